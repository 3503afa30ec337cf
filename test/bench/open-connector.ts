import type { CallGate } from '#connectors/connector.ts'
import { type Vendor, vendors } from '#connectors/registry.ts'

/** Lets every call through at once. */
const openGate: CallGate = {
  call: (_call, signal, send) => send(signal),
  observeUsage: () => undefined,
}

/** A connector with no engine around it. */
export const openConnector = (vendor: Vendor, credentials: Readonly<Record<string, unknown>>) =>
  vendors[vendor].create({
    credentials,
    gate: openGate,
    requestTimeoutMs: 60_000,
    now: () => new Date(),
    webhookUrl: 'http://127.0.0.1/hooks/bench',
  })
