"""A bare Thrift client: it takes a statement's Arrow batches off the wire and does nothing else."""

from __future__ import annotations

import http.client
import ssl
from typing import Any

import pyarrow as pa
from databricks.sql.thrift_api.TCLIService import TCLIService
from databricks.sql.thrift_api.TCLIService import ttypes as t
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.transport.TTransport import TMemoryBuffer

from fixtures.warehouse.names import HTTP_PATH
from fixtures.warehouse.process import WarehouseServer

_MOST = 1 << 30


class ThriftClient:
    """One session over HTTPS, on one connection."""

    def __init__(self, server: WarehouseServer, token: str) -> None:
        context = ssl.create_default_context(cafile=str(server.authority))
        self._connection = http.client.HTTPSConnection(server.address, server.https_port, context=context)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-thrift"}
        protocol = t.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8
        opened = self._call("OpenSession", t.TOpenSessionReq(client_protocol_i64=protocol))
        self._session = opened.sessionHandle

    def rows(self, text: str) -> int:
        """How many rows came, as record batches that can be read; raises RuntimeError when they did not all come."""
        request = t.TExecuteStatementReq(
            sessionHandle=self._session, statement=text, runAsync=True, canReadArrowResult=True,
            getDirectResults=t.TSparkGetDirectResults(maxRows=_MOST, maxBytes=_MOST),
        )  # fmt: skip
        direct = self._call("ExecuteStatement", request).directResults
        if direct.resultSet is None or direct.resultSet.hasMoreRows:
            raise RuntimeError(f"the answer is not whole: {direct.operationStatus}")
        schema = pa.ipc.read_schema(pa.py_buffer(direct.resultSetMetadata.arrowSchema))
        batches = [pa.py_buffer(sent.batch) for sent in direct.resultSet.results.arrowBatches]
        return sum(pa.ipc.read_record_batch(batch, schema).num_rows for batch in batches)

    def close(self) -> None:
        self._connection.close()

    def _call(self, name: str, request: Any) -> Any:
        sent, arguments = TMemoryBuffer(), getattr(TCLIService, f"{name}_args")(request)
        protocol = TBinaryProtocolAccelerated(sent)
        protocol.writeMessageBegin(name, 1, 0)
        arguments.write(protocol)
        protocol.writeMessageEnd()
        self._connection.request("POST", HTTP_PATH, sent.getvalue(), self._headers)
        protocol = TBinaryProtocolAccelerated(TMemoryBuffer(self._connection.getresponse().read()))
        protocol.readMessageBegin()
        answer = getattr(TCLIService, f"{name}_result")()
        answer.read(protocol)
        return answer.success
