import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import nock from 'nock'
import { afterEach, describe, expect, it } from 'vitest'
import { ConnectorFault } from '#connectors/fault.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  allowSignIn,
  base,
  connect,
  connector,
  never,
  opportunityId,
  read,
  salesforce,
  tokenReply,
  update,
  useSalesforceWire,
} from '#test/support/salesforce-wire.ts'

useSalesforceWire()

describe('the gate', () => {
  const refusal = new ConnectorFault('throttled', 'The budget of the day is spent', { code: 'BUDGET' })

  it('has the last word before a call is made', async () => {
    connect({ call: () => Promise.reject(refusal) })
    expect(await faultOf(read())).toBe(refusal)
    expect(await faultOf(connector.write([update()], never))).toBe(refusal)
  })

  it('leaves a write in doubt that it gives up under way, whatever it says of the delay', async () => {
    allowSignIn()
    salesforce().patch(`${base}/composite/sobjects`).delay(2000).reply(200, [])
    connect({
      call: (label, signal, send) => {
        if (label.operation !== 'write') return send(signal)
        const late = new Promise<never>((_, reject) => setTimeout(reject, 100, refusal))
        return Promise.race([send(signal), late])
      },
    })
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous', details: { code: 'TIMEOUT' } } })
    nock.abortPendingRequests()
  })
})

describe('a connection that breaks', () => {
  let server: Server
  const listen = async (listener: RequestListener): Promise<string> => {
    nock.enableNetConnect('127.0.0.1')
    server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const signInAt = (url: string): RequestListener => {
    return (_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...tokenReply, instance_url: url }))
    }
  }
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  it('in the middle of an answer ends the call as a fault, not the process', async () => {
    const url = await listen((request, response) => {
      if (request.url?.includes('oauth2')) return signInAt(url)(request, response)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('[{"id":')
      setTimeout(() => response.destroy(), 20)
    })
    connect({ loginUrl: url })
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
    expect(await faultOf(read())).toMatchObject({ kind: 'unavailable' })
  })

  it('before anything was sent throws, since nothing can have happened', async () => {
    const unused = createServer()
    await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve))
    const { port } = unused.address() as AddressInfo
    await new Promise((resolve) => unused.close(resolve))
    const url = await listen(signInAt(`http://127.0.0.1:${port}`))
    connect({ loginUrl: url })
    const fault = await faultOf(connector.write([update(), update('006000000000002AAA')], never))
    expect(fault).toMatchObject({ kind: 'unavailable', details: { code: 'ECONNREFUSED' } })
  })

  it('is given up after the time allowed, also while the body trickles', async () => {
    let closed = 0
    const url = await listen((request, response) => {
      if (request.url?.includes('oauth2')) return signInAt(url)(request, response)
      response.on('close', () => {
        closed += 1
      })
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('[')
    })
    connect({ loginUrl: url, requestTimeoutMs: 150 })
    const fault = await faultOf(read())
    expect(fault).toMatchObject({ kind: 'unavailable', details: { code: 'TIMEOUT' } })
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({
      ok: false,
      fault: { kind: 'ambiguous', details: { code: 'TIMEOUT' } },
    })
    await expect.poll(() => closed).toBe(2)
  })

  it('ends at once when the caller aborts or the connector closes', async () => {
    let waiting = 0
    const url = await listen((request, response) => {
      if (request.url?.includes('oauth2')) return signInAt(url)(request, response)
      waiting += 1
      response.on('close', () => {
        waiting -= 1
      })
    })
    connect({ loginUrl: url })
    const abort = new AbortController()
    const aborted = faultOf(connector.read('Opportunity', [opportunityId], [], abort.signal))
    await expect.poll(() => waiting).toBe(1)
    abort.abort()
    expect((await aborted).details.code).toBe('CANCELLED')
    await expect.poll(() => waiting).toBe(0)
    const closed = faultOf(read())
    await expect.poll(() => waiting).toBe(1)
    await connector.close()
    expect((await closed).details.code).toBe('CLOSED')
    expect((await faultOf(read())).details.code).toBe('CLOSED')
  })
})
