import { z } from 'zod'
import { flowSchema, mappingDocumentSchema } from '#mappings/document.ts'
import { instantSchema } from '#src/http/codecs.ts'
import { fieldValueSchema } from '#src/kernel/field-value.ts'
import { checkIssueSchema, connectionParams, listOf } from './connection-schemas.ts'

export const entityParams = z.strictObject({
  ...connectionParams.shape,
  entity: z.string().regex(/^[a-z][a-z_]{0,59}$/),
})
export const mostVersions = 2_147_483_647
export const versionNumber = z.coerce.number().int().min(1).max(mostVersions)

const summary = {
  id: z.uuid(),
  entity: z.string(),
  version: z.int(),
  state: z.enum(['published', 'superseded']),
  basedOn: z.int().nullable(),
  note: z.string().nullable(),
  publishedBy: z.string(),
  publishedAt: instantSchema,
}
export const versionSummarySchema = z.object(summary).meta({ id: 'MappingVersionSummary' })
export const versionSchema = z
  .object({ ...summary, document: mappingDocumentSchema })
  .meta({ id: 'MappingVersion' })

export const draftSchema = z
  .object({
    id: z.uuid(),
    entity: z.string(),
    document: mappingDocumentSchema,
    basedOn: z.int().nullable(),
    createdBy: z.string(),
    createdAt: instantSchema,
    revision: z.int(),
    issues: listOf(checkIssueSchema),
  })
  .meta({ id: 'MappingDraft' })

export const entityMappingSchema = z
  .object({
    entity: z.string(),
    published: versionSchema.nullable(),
    draft: draftSchema.nullable(),
    paused: z
      .object({ reason: z.string(), pausedBy: z.string(), since: instantSchema })
      .nullable()
      .describe('A person lets the entity rest; what changes meanwhile waits'),
    quarantined: listOf(
      z.object({
        entity: z.string(),
        remoteField: z.string(),
        reason: z.string(),
        since: instantSchema,
      }),
    ),
  })
  .meta({ id: 'EntityMapping' })

export const remoteFieldSchema = z
  .object({
    name: z.string(),
    label: z.string(),
    type: z.string(),
    required: z.boolean(),
    creatable: z.boolean(),
    writable: z.boolean(),
    maxLength: z.int().nullable(),
    scale: z.int().nullable(),
    choices: listOf(z.object({ value: z.string(), label: z.string(), active: z.boolean() })).nullable(),
    restrictedChoices: z.boolean(),
    references: listOf(z.string()),
    unique: z.boolean(),
    externalId: z.boolean(),
  })
  .meta({ id: 'RemoteField' })

export const catalogueSchema = z
  .object({
    entity: z.string(),
    fields: listOf(
      z.object({
        name: z.string(),
        label: z.string(),
        type: z.string(),
        writable: z.boolean(),
        choices: listOf(z.string()).optional(),
        references: z.string().optional(),
        maxLength: z.int().optional(),
      }),
    ),
  })
  .meta({ id: 'SyncedEntity' })

export const changeSchema = z
  .object({
    path: z.string(),
    kind: z.enum(['added', 'removed', 'changed']),
    subject: z.string(),
    before: z.string().nullable(),
    after: z.string().nullable(),
  })
  .meta({ id: 'MappingChange' })

const remoteValueSchema = z.union([z.string(), z.number(), z.boolean(), z.null()])
const remoteFieldsSchema = z.record(z.string(), remoteValueSchema).readonly()
const lineTrialSchema = z
  .object({
    flow: flowSchema,
    writes: remoteFieldsSchema.nullable(),
    applies: z.object({ value: fieldValueSchema }).nullable(),
    skipped: z.boolean(),
    waitingFor: z.string().nullable(),
    issues: listOf(z.object({ code: z.string(), message: z.string() })),
  })
  .meta({ id: 'MappingLineTrial' })

export const trialSchema = z
  .object({
    issues: listOf(checkIssueSchema),
    records: listOf(
      z.object({
        recordId: z.uuid(),
        remoteId: z.string(),
        missing: z.enum(['here', 'there']).nullable(),
        fields: listOf(
          z.object({
            field: z.string(),
            label: z.string(),
            ours: fieldValueSchema,
            theirs: remoteFieldsSchema,
            before: lineTrialSchema.nullable(),
            after: lineTrialSchema.nullable(),
            changed: z.boolean(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'MappingTrial' })

export const draftCheckSchema = z
  .object({ publishable: z.boolean(), issues: listOf(checkIssueSchema) })
  .meta({ id: 'MappingCheck' })
