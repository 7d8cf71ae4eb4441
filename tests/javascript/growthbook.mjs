// Evaluates flags with GrowthBook's SDK. In: lines of {asked: [{key, attributes}]} with {features}, or with {apiHost,
// clientKey} to load them. Out: a line of values each.
import { createInterface } from "node:readline";
import { GrowthBookClient } from "@growthbook/growthbook";

for await (const line of createInterface({ input: process.stdin })) {
  const { asked, features, ...place } = JSON.parse(line);
  const client = new GrowthBookClient(place);
  if (features) client.initSync({ payload: { features } });
  else await client.init();
  const values = asked.map(({ key, attributes }) => client.evalFeature(key, { attributes }).value);
  process.stdout.write(JSON.stringify(values) + "\n");
}
