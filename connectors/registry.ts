/**
 * The vendors that a connection may have: what their credentials look like and how their connector is made.
 * Adding a vendor is one line here. Nothing else outside the vendor's folder may name it.
 */
import type { z } from 'zod'
import type { CallGate, Connector, ConnectorTraits } from './connector.ts'
import { dynamicsCredentialsSchema } from './dynamics/credentials.ts'
import { createDynamicsConnector, dynamicsTraits } from './dynamics/dynamics-connector.ts'
import { hubspotCredentialsSchema } from './hubspot/credentials.ts'
import { createHubspotConnector, hubspotTraits } from './hubspot/hubspot-connector.ts'
import { salesforceCredentialsSchema } from './salesforce/credentials.ts'
import { createSalesforceConnector, salesforceTraits } from './salesforce/salesforce-connector.ts'

export interface ConnectorOptions<Credentials> {
  readonly credentials: Credentials
  readonly gate: CallGate
  readonly requestTimeoutMs: number
  readonly now: () => Date
  /** The public address that the CRM sends webhooks of this connection to. */
  readonly webhookUrl: string
}

export interface VendorDefinition {
  readonly traits: ConnectorTraits
  /** Fields whose meta says `secret: true` are sealed at rest and never shown again. */
  readonly credentialsSchema: z.ZodType
  /** Parses the credentials; throws a ZodError that names fields and repeats no value. */
  create(options: ConnectorOptions<unknown>): Connector
}

function defineVendor<Schema extends z.ZodType>(
  traits: ConnectorTraits,
  credentialsSchema: Schema,
  create: (options: ConnectorOptions<z.output<Schema>>) => Connector,
): VendorDefinition {
  return {
    traits,
    credentialsSchema,
    create: (options) => create({ ...options, credentials: credentialsSchema.parse(options.credentials) }),
  }
}

export const vendors = {
  dynamics: defineVendor(dynamicsTraits, dynamicsCredentialsSchema, createDynamicsConnector),
  hubspot: defineVendor(hubspotTraits, hubspotCredentialsSchema, createHubspotConnector),
  salesforce: defineVendor(salesforceTraits, salesforceCredentialsSchema, createSalesforceConnector),
} as const satisfies Readonly<Record<string, VendorDefinition>>

export type Vendor = keyof typeof vendors

export const isVendor = (name: string): name is Vendor => Object.hasOwn(vendors, name)
