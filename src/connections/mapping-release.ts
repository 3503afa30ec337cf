import type { RemoteField } from '#connectors/connector.ts'
import { type CheckIssue, checkAgainstCatalogue } from '#mappings/check-catalogue.ts'
import { checkAgainstSchema } from '#mappings/check-schema.ts'
import { type MappingDocument, remotesOf } from '#mappings/document.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { SyncedField } from '#src/kernel/synced-entity.ts'

/** A published mapping, now or once. Never changed. */
export interface MappingVersion {
  readonly id: string
  readonly entity: string
  readonly version: number
  readonly state: 'published' | 'superseded'
  readonly document: MappingDocument
  /** The version that it was made from; for a rollback, the one that it brought back. */
  readonly basedOn: number | null
  readonly note: string | null
  readonly publishedBy: string
  readonly publishedAt: Date
}

/** What is being worked on; one per connection and entity. */
export interface MappingDraft {
  readonly id: string
  readonly entity: string
  readonly document: MappingDocument
  readonly basedOn: number | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly revision: number
}

/** Our side of the entities that a mapping may speak of. */
export type Catalogues = ReadonlyMap<string, { readonly catalogue: readonly SyncedField[] }>

/** What is wrong with a document as far as we alone can tell. */
export function checkOurSide(document: MappingDocument, entities: Catalogues): CheckIssue[] {
  return checkAgainstCatalogue(document, entities.get(document.entity)?.catalogue ?? [], [...entities.keys()])
}

/** `fields`: the CRM's own description of the object; null when it has no such object, or hides it from our user. */
export function checkTheirSide(
  document: MappingDocument,
  fields: readonly RemoteField[] | null,
  organisation: { readonly multiCurrency: boolean; readonly homeCurrency: string | null },
): CheckIssue[] {
  if (!fields) {
    return [
      {
        path: '/object',
        severity: 'error',
        code: 'missing_object',
        message: `There is no object ${document.object} in the CRM, or our user may not see it`,
      },
    ]
  }
  return [...checkAgainstSchema(document, fields, organisation), ...checkHomeCurrency(document, organisation)]
}

function checkHomeCurrency(
  { fields }: MappingDocument,
  organisation: { readonly multiCurrency: boolean; readonly homeCurrency: string | null },
): CheckIssue[] {
  if (organisation.multiCurrency || organisation.homeCurrency) return []
  return fields.flatMap(({ via }, index) =>
    via.kind === 'money'
      ? [
          {
            path: `/fields/${index}`,
            severity: 'warning',
            code: 'no_currency',
            message: "The CRM's only currency is not known: set homeCurrency in the connection's settings",
          },
        ]
      : [],
  )
}

/** What a new version may not do to the records that are linked already. */
export function checkSuccession(
  published: MappingDocument | null,
  next: MappingDocument,
  hasLinks: boolean,
): CheckIssue[] {
  if (!published || !hasLinks) return []
  const issues: CheckIssue[] = []
  if (published.object !== next.object) {
    issues.push({
      path: '/object',
      severity: 'error',
      code: 'object_changed',
      message: `Records are linked to ${published.object}; they cannot become ${next.object}`,
    })
  }
  if (published.keyField !== next.keyField) {
    issues.push({
      path: '/keyField',
      severity: 'warning',
      code: 'key_field_changed',
      message: `Our ids stand in ${published.keyField}; records linked already do not have them in ${next.keyField}`,
    })
  }
  return issues
}

export const isPublishable = (issues: readonly CheckIssue[]): boolean =>
  issues.every(({ severity }) => severity !== 'error')

/** @throws Refused `mapping_not_publishable` with everything that is wrong */
export function assertPublishable(issues: readonly CheckIssue[]): void {
  if (isPublishable(issues)) return
  throw new Refused(
    'mapping_not_publishable',
    'The mapping has errors; see the issues',
    issues.filter(({ severity }) => severity === 'error'),
  )
}

/** Of the remote fields that rest, those that nothing stands against any more. `issues` are of the live check. */
export function mendedFields(
  resting: readonly string[],
  document: MappingDocument,
  issues: readonly CheckIssue[],
): string[] {
  const broken = issues.filter(({ severity }) => severity === 'error').map(({ path }) => path)
  const isBroken = (place: string) => broken.some((path) => path === place || path.startsWith(`${place}/`))
  return resting.filter((remote) => {
    const lines = document.fields.flatMap((line, index) =>
      remotesOf(line).includes(remote) || line.skipWhen?.remote === remote ? [`/fields/${index}`] : [],
    )
    const others = [`/fixed/onCreate/${remote}`, `/fixed/always/${remote}`, `/fixed/onMoved/${remote}`]
    return ![...lines, ...others, ...(document.keyField === remote ? ['/keyField'] : [])].some(isBroken)
  })
}
