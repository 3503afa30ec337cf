import { z } from 'zod'
import { originSchema } from '../wire/trusted-address.ts'

const secret = { secret: true }

/** What becomes of a write to an opportunity that people have closed over there. */
const closedRecordsSchema = z.enum(['leave', 'reopen'])
export type ClosedRecords = z.infer<typeof closedRecordsSchema>

/**
 * How Counterpart signs in to Dataverse: as an application user, by the client credentials of an app registered in
 * Microsoft Entra ID. Fields marked `secret` are sealed at rest and never shown again.
 */
export const dynamicsCredentialsSchema = z.discriminatedUnion('grant', [
  z.strictObject({
    grant: z.literal('client_credentials'),
    organisationUrl: originSchema.meta({
      title: 'Organisation URL',
      description: 'The address of the environment, https://<name>.crm.dynamics.com',
    }),
    loginUrl: originSchema.default('https://login.microsoftonline.com').meta({
      title: 'Sign-in URL',
      description: 'Differs in national clouds only',
    }),
    tenantId: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, 'a directory (tenant) id or domain')
      .meta({ title: 'Directory (tenant) ID' }),
    clientId: z.string().min(1).meta({ title: 'Application (client) ID' }),
    clientSecret: z
      .string()
      .min(1)
      .meta({ title: 'Client secret', ...secret }),
    webhookKey: z
      .string()
      .min(32, 'at least 32 characters')
      .max(200)
      .regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, _ and - only')
      .optional()
      .meta({
        title: 'Webhook key',
        description:
          'A long random text that Dataverse repeats with every notification; without it none is taken',
        ...secret,
      }),
    closedRecords: closedRecordsSchema.default('leave').meta({
      title: 'Closed opportunities',
      description:
        'leave: what was won or lost over there is not written to any more; reopen: it is re-opened, written and closed again',
    }),
  }),
])
export type DynamicsCredentials = z.infer<typeof dynamicsCredentialsSchema>

/** The token request (Microsoft identity platform: OAuth 2.0 client credentials flow, version 2.0). */
export function tokenRequest(
  credentials: Pick<
    DynamicsCredentials,
    'loginUrl' | 'organisationUrl' | 'tenantId' | 'clientId' | 'clientSecret'
  >,
): { readonly url: string; readonly form: string } {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: credentials.clientId,
    client_secret: credentials.clientSecret,
    scope: `${credentials.organisationUrl}/.default`,
  })
  return { url: `${credentials.loginUrl}/${credentials.tenantId}/oauth2/v2.0/token`, form: String(form) }
}
