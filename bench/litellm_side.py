"""The other side of `bench.conversion`: LiteLLM's converter, run by a Python that has LiteLLM.

Reads OpenAI chat messages as JSON on standard input; prints messages per second, one line a run.
"""

import copy
import gc
import json
import os
import sys
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # its import otherwise asks the network

from litellm.litellm_core_utils.prompt_templates.factory import anthropic_messages_pt


def main() -> None:
    """Convert what stands on standard input to Anthropic messages, as often as argv[1] says."""
    messages = json.load(sys.stdin)
    for _ in range(int(sys.argv[1])):
        given = copy.deepcopy(messages)  # the converter may change what it is given
        gc.collect()
        begun = time.process_time()
        made = anthropic_messages_pt(given[1:], model="claude-sonnet-4-5", llm_provider="anthropic")
        spent = time.process_time() - begun
        pairs = sum(
            block.get("type") == "tool_result"
            for message in made
            if isinstance(message["content"], list)
            for block in message["content"]
        )
        wanted = sum(message["role"] == "tool" for message in messages)
        if pairs != wanted:
            raise SystemExit(f"{pairs} tool results of {wanted}")
        print(len(messages) / spent, flush=True)


if __name__ == "__main__":
    main()
