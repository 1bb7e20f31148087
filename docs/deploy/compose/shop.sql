-- A table as an application might have it, with a row.
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  timestamp timestamptz NOT NULL DEFAULT now(),
  event_type text NOT NULL,
  payload jsonb
);
INSERT INTO events (event_type, payload) VALUES ('order.created', '{"region": "eu-north"}');
