/** Takes what a CRM sends and keeps it, so that a test decides what arrives when, how often, and in which order. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { InboundRequest } from '#connectors/connector.ts'

export type Letter = Pick<InboundRequest, 'method' | 'headers' | 'body'> & { readonly search: string }

export type PostOffice = Awaited<ReturnType<typeof openPostOffice>>

export async function openPostOffice() {
  const letters: Letter[] = []
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = []
    request.on('data', (chunk: Uint8Array) => void chunks.push(chunk))
    request.on('end', () => keep(request, response, Buffer.concat(chunks)))
  })
  function keep(request: IncomingMessage, response: ServerResponse, body: Uint8Array): void {
    const headers = Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, [value].flat().join(', ')]],
      ),
    )
    const { search } = new URL(request.url ?? '/', 'http://127.0.0.1')
    letters.push({ method: request.method ?? '', headers, body, search })
    response.end()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port to listen on')
  return {
    url: `http://127.0.0.1:${address.port}/hooks`,
    letters,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
