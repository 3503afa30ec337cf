import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { connectionStatuses } from './connection.ts'

/** Answers are read, never changed: what the use-cases give out as readonly goes out as it is. */
export const listOf = <Item extends z.ZodType>(item: Item) => z.array(item).readonly()

export const connectionParams = z.strictObject({ connectionId: idSchema<'connection'>() })

export const connectionSchema = z
  .object({
    id: idSchema<'connection'>(),
    name: z.string(),
    vendor: z.string(),
    status: z.enum(connectionStatuses),
    pausedUntil: instantSchema.nullable(),
    pauseReason: z.string().nullable(),
    organisationId: z.string().nullable(),
    remoteUserId: z.string().nullable(),
    instanceUrl: z.string().nullable(),
    multiCurrency: z.boolean(),
    homeCurrency: z.string().nullable(),
    timeZone: z.string(),
    pollSeconds: z.int(),
    usage: z.object({ used: z.int(), limit: z.int(), at: instantSchema }).nullable(),
    callsPerDay: z.int().nullable(),
    callShare: z.int(),
    lastPolledAt: instantSchema.nullable(),
    revision: z.int(),
    createdAt: instantSchema,
  })
  .meta({ id: 'Connection' })

/** `path`: JSON pointer into the mapping document. */
export const checkIssueSchema = z
  .object({
    severity: z.enum(['error', 'warning']),
    path: z.string(),
    code: z.string(),
    message: z.string(),
  })
  .meta({ id: 'MappingIssue' })

export const connectionReportSchema = z
  .object({
    ok: z.boolean(),
    organisationId: z.string().nullable(),
    multiCurrency: z.boolean(),
    problems: listOf(z.object({ ...checkIssueSchema.shape, entity: z.string().nullable() })),
    released: listOf(z.object({ entity: z.string(), remoteField: z.string() })),
  })
  .meta({ id: 'ConnectionReport' })

export const vendorSchema = z
  .object({ vendor: z.string(), credentials: z.record(z.string(), z.unknown()) })
  .meta({ id: 'ConnectionVendor' })

const prioritySchema = z.enum(['live', 'repair', 'bulk'])
export const callTallySchema = z
  .object({
    hour: instantSchema,
    operation: z.string(),
    object: z.string(),
    priority: prioritySchema,
    calls: z.int(),
    records: z.int(),
  })
  .meta({ id: 'CallCount' })

const callSum = { calls: z.int(), records: z.int() }
export const callUsageSchema = z
  .object({
    stated: z.object({ used: z.int(), limit: z.int(), at: instantSchema }).nullable(),
    throttledUntil: instantSchema.nullable(),
    workers: z.int(),
    concurrentCalls: z.object({ limit: z.int(), ceiling: z.int() }),
    windows: listOf(z.object({ seconds: z.number(), limit: z.int(), ceiling: z.int(), used: z.int() })),
    day: z.object({
      limit: z.int().nullable(),
      calls: z.int(),
      byOperation: listOf(z.object({ operation: z.string(), ...callSum })),
      byPriority: listOf(z.object({ priority: prioritySchema, ...callSum })),
    }),
  })
  .meta({ id: 'CallUsage' })
