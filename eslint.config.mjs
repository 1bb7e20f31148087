// SPDX-License-Identifier: Apache-2.0
// What ESLint checks in all JavaScript: `npm run lint` in tests/browser, whose package.json has ESLint itself.
import { createRequire } from "node:module";

const require = createRequire(new URL("tests/browser/", import.meta.url));
const js = require("@eslint/js");
const globals = require("globals");

const rules = {
  "array-callback-return": "error",
  "consistent-return": "error",
  "dot-notation": "error",
  eqeqeq: "error",
  "no-constructor-return": "error",
  "no-else-return": "error",
  "no-implicit-coercion": "error",
  "no-lonely-if": "error",
  "no-self-compare": "error",
  "no-shadow": "error",
  "no-throw-literal": "error",
  "no-unneeded-ternary": "error",
  "no-unreachable-loop": "error",
  "no-unused-expressions": "error",
  "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true }],
  "no-use-before-define": ["error", { functions: false, variables: false, classes: true }],
  "no-useless-concat": "error",
  "no-useless-return": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-arrow-callback": "error",
  "prefer-const": "error",
  "prefer-template": "error",
};

export default [
  { ignores: ["gateway/web/vendor/**"] }, // of other people, as they publish it
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: "error" }, rules },

  // What runs in a browser.
  { files: ["gateway/web/**/*.js"], ignores: ["gateway/web/client/test/**"], languageOptions: { globals: { ...globals.browser, uPlot: "readonly" } } },

  // What runs in Node. Functions that are handed to a page with page.evaluate name the page's globals, too.
  { files: ["gateway/web/client/test/**", "eslint.config.mjs"], languageOptions: { globals: globals.node } },
  { files: ["tests/browser/**"], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
];
