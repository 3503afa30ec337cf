/**
 * The mapping document: data that says how one of our entities and one object of a CRM correspond. No code in it;
 * immutable once published. This folder checks documents and applies them to values; it reads no record, calls no CRM
 * and decides no collision: merging is the sync engine's.
 */
import { z } from 'zod'
import { conditionSchema } from '../src/kernel/condition.ts'
import { localNameSchema, remoteNameSchema, remoteScalarSchema } from './names.ts'
import { viaSchema } from './transforms.ts'

/** Who may change a field: us, them, both, or us at the first sync only. */
export const flowSchema = z.enum(['out', 'in', 'both', 'create'])
export type Flow = z.infer<typeof flowSchema>

/** Whose value stands when both sides changed a field; `review` asks a person. */
export const ownerSchema = z.enum(['prm', 'crm', 'review'])
export type Owner = z.infer<typeof ownerSchema>

export const dealPhases = ['registered', 'approved', 'won'] as const
export type DealPhase = (typeof dealPhases)[number]
const ownerByPhaseSchema = z.strictObject({
  registered: ownerSchema,
  approved: ownerSchema,
  won: ownerSchema,
})

export const mappingLineSchema = z
  .strictObject({
    /** Our field; for a template, the name of the text that is made. */
    local: localNameSchema,
    /** Several where one value takes several fields, such as an amount and its currency. */
    remote: z.union([remoteNameSchema, z.tuple([remoteNameSchema], remoteNameSchema)]),
    flow: flowSchema,
    owner: z.union([ownerSchema, ownerByPhaseSchema]),
    /** What a blank value of ours does over there. */
    onEmpty: z.enum(['clear', 'keep']),
    via: viaSchema,
    /** Lines of one group are merged as one: they belong together. */
    group: localNameSchema.optional(),
    /** Where this holds over there, the field is left alone. */
    skipWhen: z.strictObject({ remote: remoteNameSchema, equals: remoteScalarSchema }).optional(),
    label: z.string().min(1).max(100).optional(),
  })
  .meta({ id: 'MappingLine' })
export type MappingLine = z.infer<typeof mappingLineSchema>

const fixedSchema = z
  .record(remoteNameSchema, remoteScalarSchema)
  .refine((fields) => Object.keys(fields).length <= 50, 'at most 50 fixed values')

export const mappingDocumentSchema = z
  .strictObject({
    schema: z.literal(1),
    entity: z.string().regex(/^[a-z][a-z_]{0,59}$/, 'the name of an entity'),
    object: remoteNameSchema,
    /** The remote field that stores our id. */
    keyField: remoteNameSchema,
    /** Decides whether a record is created over there; what is linked stays in step whatever it says. */
    include: conditionSchema,
    /** Remote fields with the same value for every record: once, with every write, or in parting. */
    fixed: z.strictObject({
      onCreate: fixedSchema,
      always: fixedSchema,
      /** The last word to a record that one of ours moved away from, to another connection. */
      onMoved: fixedSchema.optional(),
    }),
    fields: z.array(mappingLineSchema).min(1).max(200),
  })
  .meta({ id: 'MappingDocument' })
export type MappingDocument = z.infer<typeof mappingDocumentSchema>

export const flowsOut = (flow: Flow): boolean => flow !== 'in'
export const flowsIn = (flow: Flow): boolean => flow === 'in' || flow === 'both'

/** A line's remote fields; the first one holds the value. */
export const remotesOf = ({ remote }: Pick<MappingLine, 'remote'>): readonly [string, ...string[]] =>
  typeof remote === 'string' ? [remote] : remote

/** Whose value stands in this phase when both sides changed the line. */
export const ownerOf = ({ owner }: Pick<MappingLine, 'owner'>, phase: DealPhase): Owner =>
  typeof owner === 'string' ? owner : owner[phase]
