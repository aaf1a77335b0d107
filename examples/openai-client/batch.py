"""A batch with OpenAI's Python client: pip install openai; python batch.py

It asks OPENAI_BASE_URL, such as http://127.0.0.1:7290/v1 of nightshift-local dev,
with OPENAI_API_KEY; dev takes any.
"""
import pathlib
import time

from openai import OpenAI

client = OpenAI()
prompts = pathlib.Path(__file__).with_name("prompts.jsonl")

file = client.files.create(file=prompts.open("rb"), purpose="batch")
batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
while batch.status not in ("completed", "failed", "expired", "cancelled"):
    time.sleep(1)
    batch = client.batches.retrieve(batch.id)
    print(batch.id, batch.status, batch.request_counts)
print(client.files.content(batch.output_file_id).text)
