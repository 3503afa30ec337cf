import { describe, expect, test } from 'vitest'
import type { Flow } from '#mappings/document.ts'
import { hasHome, receivingDocument, receivingFlow } from '#src/sync/memory/home.ts'
import { documentOf, flags, line } from '#test/support/mapping-documents.ts'

describe('where a record is not at home', () => {
  test.each<[Flow, boolean, Flow]>([
    ['out', true, 'out'],
    ['out', false, 'out'],
    ['both', true, 'out'],
    ['both', false, 'create'],
    ['in', true, 'out'],
    ['in', false, 'create'],
    ['create', true, 'create'],
    ['create', false, 'create'],
  ])('a line that flows %s (can go out: %s) flows %s', (flow, canGoOut, expected) => {
    expect(receivingFlow(flow, canGoOut)).toBe(expected)
  })

  test('what the CRM derives is left alone, with everything that is merged with it', () => {
    const document = documentOf([
      line({ local: 'name', flow: 'both' }),
      line({ local: 'stage', remote: 'Stage', flow: 'in', group: 'stage', via: { kind: 'copy' } }),
      line({ local: 'outcome', remote: 'Won', flow: 'in', group: 'stage', via: flags }),
      line({ local: 'won', remote: 'Won2', flow: 'in', via: flags }),
    ])
    expect(receivingDocument(document).fields.map(({ flow }) => flow)).toEqual([
      'out',
      'create',
      'create',
      'create',
    ])
  })

  test('a deal is at home wherever it goes', () => {
    expect(['deal', 'customer', 'partner', 'contact'].map(hasHome)).toEqual([false, true, true, true])
  })
})
