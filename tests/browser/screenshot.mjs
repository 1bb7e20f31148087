// node screenshot.mjs URL FOLDER: pictures of the dashboard at URL, by day and by night.
import { join } from "node:path";
import { finish, open, until } from "./harness.mjs";

const [url, folder] = process.argv.slice(2);
for (const [colorScheme, name] of [["light", "dashboard.png"], ["dark", "dashboard-dark.png"]]) {
  const page = await open(url, { colorScheme, viewport: { width: 1440, height: 1150 } });
  await until("live tiles", () => page.evaluate(() =>
    document.querySelector("#status")?.classList.contains("connected") && document.querySelectorAll("#events tr").length > 10 && document.querySelector("canvas")));
  await page.waitForTimeout(12000); // what the page itself remembers has a little to show
  await page.screenshot({ path: join(folder, name) });
}
await finish();
