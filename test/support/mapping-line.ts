/** One mapped field at a time, to see what its transform does in each direction. */
import { compileMapping, localToRemote, type Mapping, remoteToLocal } from '#mappings/apply.ts'
import { type MappingLine, mappingDocumentSchema } from '#mappings/document.ts'
import type { MappingContext, RemoteFields } from '#mappings/transforms/transform.ts'
import type { Via } from '#mappings/transforms.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'

export const manyCurrencies: MappingContext = {
  multiCurrency: true,
  homeCurrency: 'EUR',
  timeZone: 'America/New_York',
  toRemoteId: (_, id) => (id.startsWith('new') ? null : id.startsWith('no') ? undefined : `r-${id}`),
  toLocalId: (_, id) => (id.startsWith('r-') ? id.slice(2) : undefined),
}
export const oneCurrency: MappingContext = { ...manyCurrencies, multiCurrency: false }

/** How a deal ended, as two flags of the CRM tell it. */
export const outcomeFlags: Via = {
  kind: 'flags',
  cases: [
    { remote: 'IsWon', equals: true, value: 'won' },
    { remote: 'IsClosed', equals: true, value: 'lost' },
  ],
  otherwise: 'open',
}

const remotesFor = (via: Via): MappingLine['remote'] =>
  via.kind === 'money' ? ['Amount', 'Currency'] : via.kind === 'flags' ? ['IsWon', 'IsClosed'] : 'Field'

/** One line named `value` with this transform. */
export const mapLine = (via: Via, rest: Partial<MappingLine> = {}): Mapping =>
  compileMapping(
    mappingDocumentSchema.parse({
      schema: 1,
      entity: 'deal',
      object: 'Opportunity',
      keyField: 'Key',
      include: { all: [] },
      fixed: { onCreate: {}, always: {} },
      fields: [
        {
          local: 'value',
          remote: remotesFor(via),
          flow: 'out',
          owner: 'prm',
          onEmpty: 'clear',
          via,
          ...rest,
        },
      ],
    }),
  )

export function send(via: Via, value: FieldValue, ctx = manyCurrencies): RemoteFields {
  const sent = localToRemote(mapLine(via), 'value', value, ctx)
  if (!sent.ok) throw new Error(JSON.stringify(sent))
  return sent.fields
}
export function receive(via: Via, remote: RemoteFields, ctx = manyCurrencies): FieldValue {
  const received = remoteToLocal(mapLine(via), 'value', remote, ctx)
  if (!received.ok) throw new Error(JSON.stringify(received))
  return received.value
}
export const refusedOut = (via: Via, value: FieldValue, ctx = manyCurrencies) => {
  const sent = localToRemote(mapLine(via), 'value', value, ctx)
  return !sent.ok && 'issue' in sent ? sent.issue : sent
}
export const refusedIn = (via: Via, remote: RemoteFields, ctx = manyCurrencies) => {
  const received = remoteToLocal(mapLine(via), 'value', remote, ctx)
  return received.ok ? received : received.issue
}
