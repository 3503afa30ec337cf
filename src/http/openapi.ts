import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'

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

/** OpenAPI 3.1 out of the routes' own schemas. */
export const openApiOptions = (version: string): FastifyDynamicSwaggerOptions => ({
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Counterpart',
      version,
      description:
        'Deal registration, conflict detection and the incentive ledger. Errors are RFC 9457 problem details; ' +
        'mutations take an Idempotency-Key; lists are paged by cursor; amounts are decimal texts of minor units.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  },
  transform: createJsonSchemaTransform({ zodToJsonConfig }),
  transformObject: createJsonSchemaTransformObject({ zodToJsonConfig }),
})
