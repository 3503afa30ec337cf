import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { problemSchema, problemType } from './problem.ts'
import type { Route } from './route.ts'

type ZodToJsonConfig = NonNullable<Parameters<typeof createJsonSchemaTransform>[0]['zodToJsonConfig']>

/** A codec travels as its input side; documented otherwise, a big integer would show as an empty schema. */
const zodToJsonConfig: ZodToJsonConfig = {
  override({ zodSchema, jsonSchema }) {
    const definition = zodSchema._zod.def
    if (definition.type !== 'pipe' || !('reverseTransform' in definition)) return
    const { $schema: _, ...wire } = z.toJSONSchema(definition.in as z.ZodType, { io: 'input' })
    Object.assign(jsonSchema, wire)
  },
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Headers to describe. What they mean is the server's business, so they are not part of a route's schema. */
    documentedHeaders?: z.ZodObject
  }
}

const idempotencyKey = z
  .string()
  .max(255)
  .optional()
  .describe('Makes a repetition harmless: the first answer comes again')
const ifMatch = z
  .string()
  .optional()
  .describe('ETag of the record as you read it: 412 when it has changed since')

/** Creations have nothing to match; what calls a CRM or flows is safe to repeat without a key. */
export const headersOf = ({ method, run }: Route): z.ZodObject | null => {
  if (method === 'GET' || run.kind !== 'transaction') return null
  const keyed = { 'Idempotency-Key': idempotencyKey }
  return z.object(method === 'POST' ? keyed : { ...keyed, 'If-Match': ifMatch })
}

/** Answers of a route by status, each under its media type. */
export const answersOf = ({ answers, contentType }: Route) => ({
  ...Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => [
      status,
      contentType === null ? schema : { description: 'Text', content: { [contentType]: { schema } } },
    ]),
  ),
  default: { description: 'Why not', content: { [problemType]: { schema: problemSchema } } },
})

const describeRoute = createJsonSchemaTransform({ zodToJsonConfig })

/** OpenAPI 3.1 out of the routes' own schemas. */
export const openApiOptions = (version: string): FastifyDynamicSwaggerOptions => ({
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Counterpart',
      version,
      description:
        'Deal registration, conflict detection and the incentive ledger. Errors are RFC 9457 problem details; ' +
        'mutations take an Idempotency-Key; records carry an ETag, which a change may send back as If-Match; ' +
        'lists are paged by cursor; amounts are decimal texts of minor units.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  },
  transform: (input) => {
    const headers = input.route.config?.documentedHeaders
    return describeRoute(headers ? { ...input, schema: { ...input.schema, headers } } : input)
  },
  transformObject: createJsonSchemaTransformObject({ zodToJsonConfig }),
})
