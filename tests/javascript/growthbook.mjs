// Evaluates worlds with GrowthBook's SDK. In: lines of {features, asked: [{key, attributes}]}. Out: a line of values each.
import { createInterface } from "node:readline";
import { GrowthBookClient } from "@growthbook/growthbook";

for await (const line of createInterface({ input: process.stdin })) {
  const { features, asked } = JSON.parse(line);
  const client = new GrowthBookClient().initSync({ payload: { features } });
  const values = asked.map(({ key, attributes }) => client.evalFeature(key, { attributes }).value);
  process.stdout.write(JSON.stringify(values) + "\n");
}
