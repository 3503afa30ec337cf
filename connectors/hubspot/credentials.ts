import { z } from 'zod'
import { originSchema } from '../wire/trusted-address.ts'

const secret = { secret: true }
const apiUrl = originSchema.prefault('https://api.hubapi.com').meta({ title: 'API address' })
const appId = z
  .string()
  .regex(/^\d{1,20}$/, 'must be the number of the app')
  .meta({ title: 'App id', description: 'Tells our own changes from those of others in webhooks' })
const clientSecret = z
  .string()
  .min(1)
  .meta({ title: 'Client secret', description: 'Signs the webhooks of the app', ...secret })

/**
 * How Counterpart signs in to HubSpot: with the static token of a service key or a private app, or as an OAuth app by its
 * refresh token. Fields marked `secret` are sealed at rest and never shown again.
 */
export const hubspotCredentialsSchema = z.discriminatedUnion('grant', [
  z.strictObject({
    grant: z.literal('access_token'),
    apiUrl,
    accessToken: z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'must be a token without spaces')
      .meta({ title: 'Access token', ...secret }),
    clientSecret: clientSecret.optional(),
    appId: appId.optional(),
  }),
  z.strictObject({
    grant: z.literal('refresh_token'),
    apiUrl,
    clientId: z.string().min(1).meta({ title: 'Client id' }),
    clientSecret,
    refreshToken: z
      .string()
      .min(1)
      .meta({ title: 'Refresh token', ...secret }),
    appId: appId.optional(),
  }),
])
export type HubspotCredentials = z.infer<typeof hubspotCredentialsSchema>
