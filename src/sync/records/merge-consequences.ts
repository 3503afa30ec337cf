/** What follows from the merge of one record: what is remembered, logged, asked of a person, and written. Pure. */
import { localValueOf, readBack, toRemote } from '#mappings/apply.ts'
import type { MappingIssue } from '#mappings/transforms/transform.ts'
import type { ApplyOutcome, LocalRecord } from '#src/kernel/synced-entity.ts'
import type { Lookup, MappedEntity } from '../ground/workspace.ts'
import type { Attempt } from '../memory/attempt-store.ts'
import { type FieldMemory, rememberSent, settleApplied } from '../memory/merge.ts'
import type { NewReview } from '../memory/review-store.ts'
import type { ParentWait } from './parents.ts'
import type { Merged } from './record-merge.ts'
import type { Outgoing, Round } from './round.ts'

/** What became of a record's facts, and how it stands with us since. */
export interface Applied {
  readonly outcomes: readonly ApplyOutcome[]
  readonly fields: LocalRecord['fields']
}

/** A fact that our rules did not take over stays known as theirs, so that ours is not written over it unasked. */
export function rememberOutcome(
  { verdicts, theirs }: Merged,
  applied: Applied | undefined,
): Record<string, FieldMemory> {
  const known = new Set(applied?.outcomes.map(({ field }) => field))
  return Object.fromEntries(
    verdicts.map(({ name, action, memory }) => {
      if (action !== 'apply' || !known.has(name)) return [name, memory]
      return [name, settleApplied(memory, applied?.fields[name] ?? null, theirs[name] ?? null)]
    }),
  )
}

/** Marks the fields that a person has to look at, so that their items close once they are understood. */
export const holdUnmapped = (
  memory: Readonly<Record<string, FieldMemory>>,
  unmapped: readonly { readonly field?: string }[],
): Record<string, FieldMemory> => ({
  ...memory,
  ...Object.fromEntries(
    unmapped.flatMap(({ field }) => {
      const known = field === undefined ? undefined : memory[field]
      return field !== undefined && known ? [[field, { ...known, held: 'unmapped' as const }]] : []
    }),
  ),
})

/** Only what changed is written, so that what a person decided meanwhile about another field stays. */
export const changedMemory = (
  before: Readonly<Record<string, FieldMemory>>,
  after: Readonly<Record<string, FieldMemory>>,
): Record<string, FieldMemory> =>
  Object.fromEntries(
    Object.entries(after).filter(([name, memory]) => JSON.stringify(before[name]) !== JSON.stringify(memory)),
  )

export function attemptsOf({ mapped }: Round, { item, verdicts }: Merged): Attempt[] {
  const base = {
    direction: 'in' as const,
    entity: mapped.name,
    recordId: item.mark.recordId,
    remoteId: item.link.remoteId,
    mappingVersionId: mapped.versionId,
  }
  const applied = verdicts.filter(({ action }) => action === 'apply').map(({ name }) => name)
  const attempts: Attempt[] = applied.length > 0 ? [{ ...base, fields: applied, outcome: 'applied' }] : []
  for (const { name, lost } of verdicts) {
    if (!lost) continue
    const whose = lost.side === 'ours' ? 'Our' : 'Their'
    const message = `${whose} value gave way: ${JSON.stringify(lost.value)}`
    attempts.push({ ...base, fields: [name], outcome: 'lost', code: `${lost.side}_lost`, message })
  }
  return attempts
}

export function reviewsOf(
  entity: string,
  { item, verdicts, theirs, unmapped }: Merged,
  outcomes: readonly ApplyOutcome[],
): NewReview[] {
  const about = { entity, recordId: item.mark.recordId, remoteId: item.link.remoteId }
  const ours = (field: string) => item.local.fields[field] ?? null
  const held = verdicts
    .filter(({ action }) => action === 'hold')
    .map(({ name, memory }): NewReview => {
      const reverted = memory.held === 'reverted'
      return {
        ...about,
        kind: reverted ? 'reverted' : 'collision',
        field: name,
        ours: ours(name),
        theirs: theirs[name] ?? null,
        message: reverted ? 'The CRM changes back what we write' : 'Both sides changed this field',
      }
    })
  const refused = outcomes.flatMap((outcome): NewReview[] =>
    outcome.kind === 'review'
      ? [
          {
            ...about,
            kind: 'unexpected_fact',
            field: outcome.field,
            ours: ours(outcome.field),
            theirs: theirs[outcome.field] ?? null,
            message: outcome.message,
            details: { code: outcome.code },
          },
        ]
      : [],
  )
  const strange = unmapped.map(
    ({ field, message, raw }): NewReview => ({
      ...about,
      kind: 'unmapped',
      field,
      ours: ours(field),
      theirs: raw,
      message,
    }),
  )
  return [...held, ...refused, ...strange]
}

export const agreedFields = ({ item }: Merged, memory: Readonly<Record<string, FieldMemory>>) =>
  Object.keys(memory)
    .filter((name) => item.link.fields[name]?.held !== undefined && memory[name]?.held === undefined)
    .map((name) => ({ recordId: item.mark.recordId, field: name }))

/** A line that went with another value than it was meant to says so in the log. */
export const warningsOf = (
  mapped: Pick<MappedEntity, 'name' | 'versionId'>,
  recordId: string,
  remoteId: string | null,
  warnings: readonly MappingIssue[],
): Attempt[] =>
  warnings.map(({ field, code, message }) => ({
    direction: 'out',
    entity: mapped.name,
    recordId,
    remoteId,
    mappingVersionId: mapped.versionId,
    fields: [field],
    outcome: 'defaulted',
    code,
    message,
  }))

interface Going {
  /** Carries nothing when neither a line nor our key is to be written. */
  readonly write: Outgoing
  readonly issues: readonly NewReview[]
  /** For the log: lines that go, but not quite as they were meant. */
  readonly warnings: readonly Attempt[]
  /** The first parent that has no counterpart yet; the lines that name one stay behind. */
  readonly waiting: ParentWait['parent'] | null
}

export function outgoingOf(
  { mapped, workspace }: Round,
  { item, verdicts, snapshot, theirs }: Merged,
  memory: Readonly<Record<string, FieldMemory>>,
  lookup: Lookup,
  sentAt: string,
): Going {
  const { mark, link, local } = item
  const { mapping } = mapped
  const lines = verdicts.filter(({ action }) => action === 'write').map(({ name }) => name)
  const write = toRemote(mapping, local.fields, lookup.context, {
    creating: false,
    lines,
    remote: snapshot.fields,
  })
  const sending: Record<string, FieldMemory> = { ...memory }
  const sentLines = Object.keys(write.perLine)
  for (const line of sentLines) {
    const ours = localValueOf(mapping, line, local.fields) ?? null
    const back = readBack(mapping, line, write.perLine[line] ?? {}, lookup.context)
    sending[line] = rememberSent(sending[line] ?? {}, ours, back.ok ? back.value : ours, sentAt)
  }
  // The rest of the record flows; a line that cannot be translated is shown to a person by name.
  const issues = write.issues.map(
    ({ field, message }): NewReview => ({
      kind: 'unmapped',
      entity: mapped.name,
      recordId: mark.recordId,
      remoteId: link.remoteId,
      field,
      ours: local.fields[field] ?? null,
      theirs: theirs[field] ?? null,
      message,
    }),
  )
  const { conditionalWrite } = workspace.connector.traits
  const version = conditionalWrite && snapshot.version ? { version: snapshot.version } : {}
  const key = link.keyWritten ? {} : { [mapping.document.keyField]: mark.recordId }
  const outgoing: Outgoing = {
    mark,
    recordId: mark.recordId,
    linkId: link.id,
    remoteId: link.remoteId,
    creating: false,
    unread: snapshot.isMirrored ?? false,
    command: {
      object: mapping.document.object,
      target: { kind: 'id', id: link.remoteId },
      fields: { ...write.fields, ...key },
      ...version,
    },
    lines: sentLines,
    sentAt,
    memory: sending,
  }
  const warnings = warningsOf(mapped, mark.recordId, link.remoteId, write.warnings)
  return { write: outgoing, issues, warnings, waiting: write.waiting[0] ?? null }
}
