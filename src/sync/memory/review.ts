/** Review items: what a person decides because neither side may win by itself, and which decisions fit which. Pure. */
import { z } from 'zod'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'

export const reviewKinds = [
  /** Both sides changed a field whose owner is "review". */
  'collision',
  /** The CRM changes back what we write. */
  'reverted',
  /** A value has no counterpart on the other side. */
  'unmapped',
  /** Our rules did not expect what the CRM states. */
  'unexpected_fact',
  /** Several records over there may be the same company, or one is taken by another record of ours. */
  'doubtful_match',
  /** The CRM says that the record exists already. */
  'duplicate',
  /** The linked record was deleted over there. */
  'gone',
  /** The linked record was merged into one that is linked already. */
  'merged',
  /** The record that a deal moved away from changed over there. */
  'changed_after_move',
  /** A record made over there names one of our partners. */
  'proposal',
] as const
export type ReviewKind = (typeof reviewKinds)[number]

/** What a person decides. Exactly one of these. */
export const resolutionSchema = z
  .union([
    /** This record of the CRM is the one. */
    z.strictObject({ link: z.string().trim().min(1).max(100) }),
    /** None of them is: make a new one all the same. */
    z.strictObject({ create: z.literal(true) }),
    /** This side's value stands, on both sides. */
    z.strictObject({ take: z.enum(['ours', 'theirs']) }),
    /** Nothing stands for it in the CRM any more, and nothing is made again. */
    z.strictObject({ retire: z.literal(true) }),
    /** Seen; what is recorded stays. */
    z.strictObject({ acknowledge: z.literal(true) }),
    /** It becomes a registration of the partner that it names, approved unless the check suspects it. */
    z.strictObject({
      adopt: z.strictObject({
        /** Needed where the partner belongs to several. */
        programmeId: idSchema<'programme'>().optional(),
        registrationType: lineSchema(50).optional(),
      }),
    }),
    /** Both sides stay as they are. */
    z.strictObject({ leave: z.literal(true) }),
  ])
  .meta({ id: 'ReviewResolution' })
export type Resolution = z.output<typeof resolutionSchema>

type KeysOf<Union> = Union extends unknown ? keyof Union : never
export type ResolutionName = KeysOf<Resolution>

export const fitting: Readonly<Record<ReviewKind, readonly ResolutionName[]>> = {
  collision: ['take', 'leave'],
  reverted: ['take', 'leave'],
  unmapped: ['take', 'leave'],
  unexpected_fact: ['acknowledge'],
  doubtful_match: ['link', 'create'],
  duplicate: ['link', 'create'],
  gone: ['link', 'retire'],
  merged: ['link', 'retire'],
  changed_after_move: ['acknowledge'],
  proposal: ['adopt', 'leave'],
}

export const nameOf = (resolution: Resolution): ResolutionName =>
  // A resolution has exactly one key: the schema is strict.
  Object.keys(resolution)[0] as ResolutionName

/** As it is kept with the closed item: `link 006...`, `take ours`, `retire`. */
export function describeResolution(resolution: Resolution): string {
  if ('link' in resolution) return `link ${resolution.link}`
  return 'take' in resolution ? `take ${resolution.take}` : nameOf(resolution)
}

/** Who the deal is for, or of: while such a fact waits for a person, what the deal earns waits too. */
const holdingFields = ['partner', 'customer']
export const isHolding = ({
  kind,
  entity,
  field,
}: {
  readonly kind: ReviewKind
  readonly entity: string
  readonly field: string
}): boolean => kind === 'unexpected_fact' && entity === 'deal' && holdingFields.includes(field)

/** Items about one field of a linked record. */
export const isAboutField = ({ kind }: { readonly kind: ReviewKind }): boolean =>
  kind === 'collision' || kind === 'reverted' || kind === 'unmapped'

/** Remote ids that the CRM, or the search in its mirror, named as possible matches. */
export function candidatesOf(item: {
  readonly remoteId: string | null
  readonly details: unknown
}): string[] {
  const named = detailsSchema.safeParse(item.details)
  const { candidates = [], duplicates = [] } = named.success ? named.data : {}
  return [...new Set([...candidates, ...duplicates, ...(item.remoteId === null ? [] : [item.remoteId])])]
}

const detailsSchema = z.object({
  candidates: z.array(z.string()).optional(),
  duplicates: z.array(z.string()).optional(),
})
