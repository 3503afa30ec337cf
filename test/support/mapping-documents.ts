/** Mapping documents of a deal as the checks see them, sound unless a test says otherwise. */
import { type MappingDocument, type MappingLine, mappingDocumentSchema } from '#mappings/document.ts'

const text: MappingLine['via'] = { kind: 'text', maxLength: 120, overflow: 'issue' }
export const line = (rest: Partial<MappingLine> = {}): MappingLine => ({
  local: 'title',
  remote: 'Name',
  flow: 'out',
  owner: 'prm',
  onEmpty: 'keep',
  via: text,
  ...rest,
})
export const documentOf = (fields: MappingLine[], rest: Partial<MappingDocument> = {}): MappingDocument =>
  mappingDocumentSchema.parse({
    schema: 1,
    entity: 'deal',
    object: 'Opportunity',
    keyField: 'Key',
    include: { field: 'status', is: 'equals', value: 'approved' },
    fixed: { onCreate: { Stage: 'New' }, always: {} },
    fields,
    ...rest,
  })

export const flags = {
  kind: 'flags' as const,
  cases: [{ remote: 'Won', equals: true, value: 'won' }],
  otherwise: 'open',
} satisfies MappingLine['via']
export const sound: MappingLine[] = [
  line(),
  line({ local: 'amount', remote: ['Amount', 'Currency'], flow: 'both', via: { kind: 'money' } }),
  line({ local: 'closeDate', remote: 'Close', flow: 'both', via: { kind: 'date' } }),
  line({
    local: 'customer',
    remote: 'Account',
    flow: 'create',
    via: { kind: 'reference', entity: 'customer' },
  }),
  line({ local: 'outcome', remote: 'Won', flow: 'in', via: flags }),
]
