// A batch with OpenAI's Node client: npm install openai; node batch.mjs
//
// It asks OPENAI_BASE_URL, such as http://127.0.0.1:7290/v1 of nightshift-local
// dev, with OPENAI_API_KEY; dev takes any.
import fs from "node:fs";
import { setTimeout } from "node:timers/promises";
import OpenAI from "openai";

const client = new OpenAI();
const prompts = new URL("prompts.jsonl", import.meta.url);

const file = await client.files.create({ file: fs.createReadStream(prompts), purpose: "batch" });
let batch = await client.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {
  await setTimeout(1000);
  batch = await client.batches.retrieve(batch.id);
  console.log(batch.id, batch.status, batch.request_counts);
}
console.log(await (await client.files.content(batch.output_file_id)).text());
