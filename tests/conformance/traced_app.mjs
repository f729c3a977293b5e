// A small app that sends its own traces to MLflow, with nothing but OpenTelemetry.
import { createServer } from 'node:http';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const { MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_ID, GENERATION_TRACE_ID, PORT } = process.env;
const exporter = new OTLPTraceExporter({
  url: `${MLFLOW_TRACKING_URI}/v1/traces`,
  headers: { 'x-mlflow-experiment-id': MLFLOW_EXPERIMENT_ID },
  timeoutMillis: 5000,
});
const provider = new TracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'traced-app' }),
  spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 200 })],
});
const tracer = provider.getTracer('traced-app');

const server = createServer((request, response) => {
  const root = tracer.startSpan(`GET ${request.url}`, {
    attributes: {
      'mlflow.spanType': 'CHAIN',
      'mlflow.spanInputs': JSON.stringify({ method: request.method, url: request.url }),
      ...(GENERATION_TRACE_ID && { 'mlflow.traceTag.generation_trace_id': GENERATION_TRACE_ID }),
    },
  });
  const query = tracer.startSpan('sql.query', { attributes: { 'mlflow.spanType': 'TOOL' } }, trace.setSpan(context.active(), root));
  query.setStatus({ code: SpanStatusCode.OK });
  query.end();
  root.setAttribute('mlflow.spanOutputs', JSON.stringify({ status: 200 }));
  root.setStatus({ code: SpanStatusCode.OK });
  root.end();
  response.end(JSON.stringify({ trace: `tr-${root.spanContext().traceId}` }));
});
server.listen(Number(PORT), '127.0.0.1', () => console.log('up'));
