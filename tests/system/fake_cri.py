# SPDX-License-Identifier: Apache-2.0
"""A runtime that is not here: the sensor's side of CRI, answered as CRI-O and others answer it."""
import concurrent.futures
import importlib
import os
import shutil
import sys
import tempfile

import tap
from runtimes import load_cri
from stack import SOURCE


def load_messages(folder):
    """The sensor's own messages, under a name of their own: cri.proto is the tests'."""
    shutil.copy(SOURCE / "sensor/state/runtimes/cri.proto", os.path.join(folder, "told.proto"))
    importlib.import_module("grpc_tools.protoc").main(["protoc", f"-I{folder}", f"--python_out={folder}", "told.proto"])
    if "told_pb2" in sys.modules:
        return sys.modules["told_pb2"]
    sys.path.insert(0, folder)
    return importlib.import_module("told_pb2")


class FakeCri:
    """with FakeCri("v1alpha2", "cri-o", "1.20.2") as runtime: runtime.add(…); runtime.socket"""

    def __init__(self, version, name, release):
        self.version, self.name, self.release = version, name, release
        self.containers, self.pods, self.calls = {}, {}, []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="tercel-cri-", dir="/tmp")
        self.socket = os.path.join(self.folder, "cri.sock")
        try:
            self.grpc = load_cri(self.folder)[0]
        except tap.Skipped:
            shutil.rmtree(self.folder)
            raise
        self.make = load_messages(self.folder)
        self.server = self.grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        for service, methods in {
                "RuntimeService": {"Version": self.tell_version, "ContainerStatus": self.tell_container,
                                   "ListContainers": self.tell_list, "PodSandboxStatus": self.tell_pod},
                "ImageService": {"ImageStatus": self.tell_image}}.items():
            self.server.add_generic_rpc_handlers([self.grpc.method_handlers_generic_handler(
                f"runtime.{self.version}.{service}",
                {method: self.handler(method, answer) for method, answer in methods.items()})])
        self.server.add_insecure_port("unix:" + self.socket)
        self.server.start()
        return self

    def handler(self, method, answer):
        def handle(request, context):
            self.calls.append(method)
            return answer(request, context)
        return self.grpc.unary_unary_rpc_method_handler(
            handle, request_deserializer=getattr(self.make, method + "Request").FromString,
            response_serializer=lambda message: message.SerializeToString())

    def missing(self, context, what):
        context.abort(self.grpc.StatusCode.NOT_FOUND, f"could not find {what}")

    def pairs(self, texts):
        return [self.make.Pair(key=key.encode(), value=value.encode()) for key, value in texts.items()]

    def tell_version(self, _request, _context):
        return self.make.VersionResponse(runtime_name=self.name.encode(), runtime_version=self.release.encode(),
                                         runtime_api_version=self.version.encode())

    def tell_container(self, request, context):
        one = self.containers.get(request.container_id.decode()) or self.missing(context, "container")
        return self.make.ContainerStatusResponse(info=self.pairs({"info": one["info"]}), status=self.make.ContainerStatus(
            id=request.container_id, metadata=self.make.Name(name=one["name"].encode()),
            image=self.make.ImageSpec(image=one["image"].encode()), image_ref=one["image_ref"].encode(),
            labels=self.pairs(one["labels"])))

    def tell_list(self, request, _context):
        one = self.containers.get(request.filter.id.decode())
        return self.make.ListContainersResponse(containers=[self.make.ListedContainer(
            id=request.filter.id, pod_sandbox_id=one["pod"].encode())] if one else [])

    def tell_pod(self, request, context):
        pod = self.pods.get(request.pod_sandbox_id.decode()) or self.missing(context, "pod")
        return self.make.PodSandboxStatusResponse(status=self.make.PodSandboxStatus(
            id=request.pod_sandbox_id, labels=self.pairs(pod["labels"]), metadata=self.make.PodMetadata(
                name=pod["name"].encode(), uid=b"5f6a", namespace=b"store")))

    def tell_image(self, request, context):
        for one in self.containers.values():
            if request.image.image.decode() in (one["image"], one["image_ref"]):
                return self.make.ImageStatusResponse(image=self.make.Image(
                    id=b"0" * 64, repo_tags=[one["tag"].encode()], repo_digests=[one["digest"].encode()]))
        return self.make.ImageStatusResponse()

    def __exit__(self, *_):
        self.server.stop(None).wait()
        shutil.rmtree(self.folder, ignore_errors=True)
