"""Run by a Python that has kserve: ask a server with kserve's `InferenceRESTClient`, and print what it understood as JSON.

    python kserve_client.py URL CASES.json

Each case is `{"model", "inputs": [{"name", "datatype", "shape", "data"}], "parameters", "binary"}`; data is the elements in order, base64
where they are BYTES.
"""

import asyncio
import base64
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from kserve.utils.numpy_codec import to_np_dtype


def request_of(case: dict) -> InferRequest:
    inputs = []
    for one in case["inputs"]:
        given = InferInput(one["name"], one["shape"], one["datatype"])
        texts = one["datatype"] == "BYTES"
        values = [base64.b64decode(text) for text in one["data"]] if texts else one["data"]
        array = np.array(values, object if texts else to_np_dtype(one["datatype"])).reshape(one["shape"])
        given.set_data_from_numpy(array, binary_data=case["binary"])
        inputs.append(given)
    outputs = [RequestedOutput(name, {"binary_data": case["binary"]}) for name in case.get("outputs", [])]
    return InferRequest(case["model"], inputs, parameters=case["parameters"], request_outputs=outputs or None, request_id="q7")


async def main(url: str, cases: list[dict]) -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    found = {"live": await client.is_server_live(url), "ready": await client.is_server_ready(url), "answers": []}
    for case in cases:
        assert await client.is_model_ready(url, case["model"])
        response = await client.infer(url, request_of(case), model_name=case["model"])
        outputs = {}
        for one in response.outputs:
            array = one.as_numpy()
            texts = [value.decode() if isinstance(value, bytes) else value for value in array.ravel().tolist()]
            outputs[one.name] = {"shape": list(array.shape), "data": texts}
        found["answers"].append({"id": response.id, "model": response.model_name, "outputs": outputs})
    try:
        await client.infer(url, request_of({**cases[0], "model": "nothing"}), model_name="nothing")
    except Exception as error:  # whatever kind kserve makes of a 404
        found["error"] = str(error)
    await client.close()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.load(open(sys.argv[2]))))
