import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holds } from '#test/simulators/dynamics/filter.ts'
import { parseFilter } from '#test/simulators/dynamics/filter-syntax.ts'
import { createGuidSequence, isGuid } from '#test/simulators/dynamics/guids.ts'
import { createIdList } from '#test/simulators/dynamics/id-list.ts'
import { readCookie, writeCookie } from '#test/simulators/dynamics/links.ts'
import { readBatch, writeBatch } from '#test/simulators/dynamics/multipart.ts'
import { readPath } from '#test/simulators/dynamics/odata-path.ts'

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
const anyText = fc.string({ unit: 'grapheme', maxLength: 30 })

describe('the grammar', () => {
  it('reads back every text that a filter compares, quotes and all', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const filter = parseFilter(`name eq ${quote(text)} and not (name eq null)`)
        expect(holds(filter, () => text)).toBe(true)
        expect(holds(filter, () => `${text}!`)).toBe(false)
      }),
    )
  })

  it('finds a value in a list exactly where it stands in it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 1 }), fc.integer(), (values, wanted) => {
        const list = values.map((value) => `'${value}'`).join(',')
        const filter = parseFilter(`Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=[${list}])`)
        expect(holds(filter, () => wanted)).toBe(values.includes(wanted))
      }),
    )
  })

  it('reads back every value of a key in an address', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const path = `opportunities(prm_dealid=${encodeURIComponent(quote(text))})`
        const [segment] = readPath(path)
        expect(segment?.key).toEqual({ kind: 'named', values: new Map([['prm_dealid', text]]) })
      }),
    )
  })

  it('reads back every body of a batch', () => {
    const body = fc.dictionary(
      fc.string({ maxLength: 8 }),
      fc.oneof(anyText, fc.integer(), fc.constant(null)),
    )
    fc.assert(
      fc.property(fc.array(body, { minLength: 1, maxLength: 5 }), (bodies) => {
        const parts = bodies.map((each) => JSON.stringify(each, null, 2))
        const text = parts
          .map(
            (each) =>
              `--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nPOST accounts HTTP/1.1\r\n\r\n${each}\r\n`,
          )
          .join('')
        const items = readBatch('multipart/mixed; boundary=b', `${text}--b--\r\n`)
        expect(items.map((item) => item.kind === 'request' && item.request.body)).toEqual(parts)
      }),
    )
  })

  it('writes answers that end where they should', () => {
    const answer = { status: 204, headers: { 'odata-entityid': 'x' }, body: '', contentId: '1' }
    const text = writeBatch('b', [
      { kind: 'answer', answer },
      { kind: 'change-set', boundary: 'c', answers: [answer] },
    ])
    expect(text.endsWith('--c--\r\n--b--\r\n')).toBe(true)
    expect(text).toContain('OData-EntityId: x')
  })

  it('reads back the cookies of links', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uuid(), (returned, lastid) => {
        expect(readCookie(writeCookie({ returned, lastid }))).toEqual({ returned: String(returned), lastid })
      }),
    )
  })
})

describe('ids', () => {
  it('ascend, and stay sorted whatever comes and goes', () => {
    const next = createGuidSequence()
    const made = Array.from({ length: 300 }, next)
    expect(made.every(isGuid)).toBe(true)
    expect([...made].sort()).toEqual(made)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(40))), (steps) => {
        const list = createIdList()
        const wanted = new Set<string>()
        for (const [add, at] of steps) {
          const id = made[at] ?? ''
          if (!add) {
            wanted.delete(id)
            list.remove(id)
          } else if (!wanted.has(id)) {
            wanted.add(id)
            list.add(id)
          }
        }
        const sorted = [...wanted].sort()
        expect(list.all).toEqual(sorted)
        const middle = made[20] ?? ''
        expect(list.placeAfter(middle)).toBe(sorted.filter((id) => id <= middle).length)
      }),
    )
  })
})
