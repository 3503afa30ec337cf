import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  boundaryOf,
  type Operation,
  readBatchReply,
  type Unit,
  writeBatch,
} from '#connectors/dynamics/multipart.ts'
import { toTable } from '#connectors/dynamics/table.ts'
import { readOutcomes } from '#connectors/dynamics/write-answers.ts'
import type { WriteUnit } from '#connectors/dynamics/write-units.ts'

const id = (at: number) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
const now = new Date('2026-11-20T10:00:00Z')
const operation = (contentId: string, body: unknown = { name: 'Acme' }): Operation => ({
  contentId,
  method: 'PATCH',
  path: `/api/data/v9.2/opportunities(${id(1)})`,
  headers: { 'If-Match': '*' },
  body,
})
const table = toTable({
  LogicalName: 'opportunity',
  EntitySetName: 'opportunities',
  PrimaryIdAttribute: 'opportunityid',
  Attributes: [{ LogicalName: 'opportunityid', AttributeType: 'Uniqueidentifier' }],
})
const unit = (at: number, operations: Unit = [operation(String(at + 1))], known = true): WriteUnit => ({
  item: { index: at, command: { object: 'opportunity', target: { kind: 'id', id: id(at) }, fields: {} } },
  id: known ? id(at) : null,
  operations,
})
const part = (status: number, contentId?: string, body = '') =>
  [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    ...(contentId === undefined ? [] : [`Content-ID: ${contentId}`]),
    '',
    `HTTP/1.1 ${status} Something`,
    'OData-Version: 4.0',
    '',
    body,
  ].join('\r\n')
const answer = (parts: readonly string[], closing = '--b--\r\n') =>
  `${parts.map((each) => `--b\r\n${each}\r\n`).join('')}${closing}`
const read = (text: string) => readBatchReply('multipart/mixed; boundary=b', text)
const outcomes = (units: readonly WriteUnit[], text: string) => {
  const settled = readOutcomes(table, units, read(text), now)
  return units.map(({ item }) => {
    const outcome = settled.get(item.index)!
    return outcome.ok ? 'ok' : `${outcome.fault.kind} ${outcome.fault.details.code}`
  })
}
const notFound = JSON.stringify({
  error: { code: '0x80040217', message: `opportunity With Id = ${id(1)} Does Not Exist` },
})

describe('the body of a batch', () => {
  it('ends every line in CR LF and closes with its boundary', () => {
    const text = writeBatch('batch_1', [[operation('1')], [operation('2.1'), operation('2.2')]])
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
    expect(text.startsWith('--batch_1\r\nContent-Type: application/http\r\n')).toBe(true)
    expect(text.endsWith('\r\n--batch_1--\r\n')).toBe(true)
    expect(text).toContain('\r\nContent-ID: 1\r\n\r\nPATCH /api/data/v9.2/opportunities(')
  })

  it('puts operations that belong together into a change set of their own', () => {
    const text = writeBatch('batch_1', [[operation('1.1'), operation('1.2')], [operation('2')]])
    expect(text).toContain(
      'Content-Type: multipart/mixed; boundary=changeset_0_batch_1\r\n\r\n--changeset_0_batch_1',
    )
    expect(text.match(/--changeset_0_batch_1--/g)).toHaveLength(1)
    expect(text.indexOf('--changeset_0_batch_1--')).toBeLessThan(text.indexOf('Content-ID: 2\r\n'))
  })

  it('keeps values out of its frame, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const text = writeBatch('batch_1', [[operation('1', { name: `${value}\r\n--batch_1--\r\n` })]])
        expect(text.split('\r\n').filter((line) => line === '--batch_1--')).toHaveLength(1)
      }),
    )
  })
})

describe('the answer to a batch', () => {
  it('is read whatever line ends, quotes or blanks its frame has', () => {
    expect(boundaryOf('multipart/mixed; boundary="a b"')).toBe('a b')
    expect(boundaryOf('multipart/mixed;charset=utf-8; boundary=x; other=1')).toBe('x')
    expect(boundaryOf('text/html')).toBeNull()
    const text = answer([part(204, '1'), part(404, '2', notFound)])
    for (const form of [text, text.replaceAll('\r\n', '\n'), `preamble\r\n${text}epilogue`]) {
      const { parts, isWhole } = read(form)
      expect(isWhole).toBe(true)
      expect(parts.flat().map(({ status, contentId }) => [status, contentId])).toEqual([
        [204, '1'],
        [404, '2'],
      ])
      expect(parts[1]?.[0]?.body).toBe(notFound)
    }
  })

  it('gives back every body that was put in', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.string()), { maxLength: 5 }), (bodies) => {
        const parts = bodies.map((body, at) => part(200, String(at + 1), JSON.stringify(body)))
        const reply = read(answer(parts))
        expect(reply.parts.flat().map(({ body }) => JSON.parse(body))).toEqual(bodies)
      }),
    )
  })

  it('that is no batch at all is no answer', () => {
    expect(() => readBatchReply('text/html', '<html></html>')).toThrow()
    expect(() => read(answer(['Content-Type: application/http\r\n\r\nsurprise']))).toThrow()
  })
})

describe('what became of each record of a batch', () => {
  it('is told by Content-ID, in whatever order the parts come', () => {
    const text = answer([part(404, '3', notFound.replace(id(1), id(2))), part(204, '1'), part(204, '2')])
    expect(outcomes([unit(0), unit(1), unit(2)], text)).toEqual(['ok', 'ok', 'gone 0x80040217'])
  })

  it('is told by order where Dataverse does not repeat the Content-ID', () => {
    const text = answer([part(204), part(404, undefined, notFound), part(204)])
    expect(outcomes([unit(0), unit(1), unit(2)], text)).toEqual(['ok', 'gone 0x80040217', 'ok'])
  })

  it('is nothing for those behind the error at which the batch stopped', () => {
    const text = answer([part(204), part(404, undefined, notFound)])
    expect(outcomes([unit(0), unit(1), unit(2), unit(3)], text)).toEqual([
      'ok',
      'gone 0x80040217',
      'unavailable BATCH_ENDED',
      'unavailable BATCH_ENDED',
    ])
  })

  it('is in doubt where the answer breaks off, or ends without an error', () => {
    const cut = answer([part(204), part(404, undefined, notFound), part(204)], '')
    expect(outcomes([unit(0), unit(1), unit(2)], cut)).toEqual([
      'ok',
      'gone 0x80040217',
      'ambiguous UNANSWERED',
    ])
    expect(outcomes([unit(0), unit(1)], answer([part(204)]))).toEqual(['ok', 'ambiguous UNANSWERED'])
    expect(outcomes([unit(0), unit(1)], answer([part(204, '9'), part(204, '2')]))).toEqual([
      'ambiguous UNANSWERED',
      'ok',
    ])
  })

  it('is one outcome for a change set, the error of any step counting for all', () => {
    const steps: Unit = [operation('1.1'), operation('1.2')]
    const set = (parts: readonly string[], end = '--c--') =>
      `Content-Type: multipart/mixed; boundary=c\r\n\r\n${parts.map((each) => `--c\r\n${each}\r\n`).join('')}${end}`
    const both = answer([set([part(204, '1.1'), part(204, '1.2')]), part(204, '2')])
    expect(outcomes([unit(0, steps), unit(1)], both)).toEqual(['ok', 'ok'])
    const failed = answer([set([part(404, '1.2', notFound.replace(id(1), id(0)))]), part(204, '2')])
    expect(outcomes([unit(0, steps), unit(1)], failed)).toEqual(['gone 0x80040217', 'ok'])
    const bare = answer([part(404, undefined, notFound.replace(id(1), id(0))), part(204)])
    expect(outcomes([unit(0, steps), unit(1)], bare)).toEqual(['gone 0x80040217', 'ok'])
    const broken = answer([set([part(204, '1.1')], '')])
    expect(outcomes([unit(0, steps)], broken)).toEqual(['ambiguous UNANSWERED'])
  })

  it('tells a creation from an update by the status, and names the record', () => {
    const body = JSON.stringify({ '@odata.etag': 'W/"1"', opportunityid: id(7).toUpperCase() })
    const keyed = [unit(0, undefined, false), unit(1, undefined, false), unit(2, undefined, false)]
    const reply = read(answer([part(201, '1', body), part(200, '2', body), part(204, '3')]))
    const settled = readOutcomes(table, keyed, reply, now)
    expect([...settled.values()]).toMatchObject([
      { ok: true, id: id(7), created: true },
      { ok: true, id: id(7), created: false },
      { ok: false, fault: { kind: 'ambiguous' } },
    ])
  })

  it('blames the lookup whose record does not exist, not the record itself', () => {
    const pointing: WriteUnit = {
      ...unit(0),
      item: {
        index: 0,
        command: {
          object: 'opportunity',
          target: { kind: 'id', id: id(0) },
          fields: { parentaccountid: id(1) },
        },
      },
    }
    const [settled] = readOutcomes(table, [pointing], read(answer([part(404, '1', notFound)])), now).values()
    expect(settled).toMatchObject({
      ok: false,
      fault: { kind: 'rejected', details: { fields: ['parentaccountid'] } },
    })
  })
})
