"""Run by a Python that has kserve: ask KServe's server over gRPC and HTTP, and print the answers as JSON.

python kserve_grpc.py HTTP_PORT GRPC_PORT IMAGE
"""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig


async def main(http_port: str, grpc_port: str, image: str) -> None:
    content = open(image, "rb").read()
    pixels = InferInput("image", [1, 8, 8, 1], "UINT8")
    pixels.set_data_from_numpy(np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1), binary_data=True)
    photo = InferInput("image", [1], "BYTES")
    photo.set_data_from_numpy(np.array([content], object), binary_data=True)
    wrong = InferInput("photo", [1], "INT32")
    wrong.set_data_from_numpy(np.zeros(1, np.int32), binary_data=True)
    found = {}
    grpc, rest = InferenceGRPCClient(f"localhost:{grpc_port}"), InferenceRESTClient(RESTConfig(protocol="v2"))
    base = f"http://localhost:{http_port}"

    async def ask(inputs, parameters):
        over_grpc = await grpc.infer(InferRequest("digits", inputs, parameters=parameters))
        over_http = await rest.infer(base, InferRequest("digits", inputs, parameters=parameters), model_name="digits")
        return [response.outputs[0].as_numpy().ravel().tolist() for response in (over_grpc, over_http)]

    found["tensors"] = await ask([pixels], {})
    found["raw"] = [[json.loads(one) for one in answers] for answers in await ask([photo], {"raw": True})]
    for name, client in (("grpc", grpc.infer), ("http", lambda request: rest.infer(base, request, model_name="digits"))):
        try:
            await client(InferRequest("digits", [wrong]))
        except Exception as error:  # of grpc or of httpx
            found[name] = str(error)
    await grpc.close()
    await rest.close()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
