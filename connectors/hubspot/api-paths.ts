import { ConnectorFault } from '../fault.ts'

/** The objects that we read and write, by the name that HubSpot's paths use, with their type ids (CRM API: object types). */
export const objectTypeIds = { contacts: '0-1', companies: '0-2', deals: '0-3' } as const
export type CrmObject = keyof typeof objectTypeIds
export const crmObjects: readonly CrmObject[] = ['deals', 'companies', 'contacts']

/** People of the portal: read-only, with an API of their own. */
export const ownersObject = 'owners'

export const isCrmObject = (name: string): name is CrmObject => Object.hasOwn(objectTypeIds, name)

/** Throws `configuration` for an object that this connector does not know; no call is made for it. */
export function crmObject(name: string): CrmObject {
  if (isCrmObject(name)) return name
  throw new ConnectorFault('configuration', `${name} is not an object that HubSpot syncs with us`, {
    code: 'UNKNOWN_OBJECT',
  })
}

/** HubSpot's numbered paths end in 2027; a dated release is served for 18 months (developer changelog, API versioning). */
export type ApiRelease = 'numbered' | '2026-03' | '2026-09'

/** The one place to edit when the numbered paths go. */
export const apiRelease: ApiRelease = 'numbered'

/** What the client's generated code asks for, and where that is found in a dated release. */
const families: readonly { readonly generated: string; readonly dated: (release: string) => string }[] = [
  { generated: '/crm/v3/objects', dated: (release) => `/crm/objects/${release}` },
  { generated: '/crm/v3/properties', dated: (release) => `/crm/properties/${release}` },
  { generated: '/crm/v3/pipelines', dated: (release) => `/crm/pipelines/${release}` },
  { generated: '/crm/v3/owners', dated: (release) => `/crm/owners/${release}` },
  { generated: '/crm/v4/associations', dated: (release) => `/crm/associations/${release}` },
  { generated: '/account-info/v3', dated: (release) => `/account-info/${release}` },
  { generated: '/oauth/v3', dated: (release) => `/oauth/${release}` },
]

/** Wanted whatever the release: the first token endpoint is switched off in February 2027. */
const replaced: ReadonlyMap<string, string> = new Map([['/oauth/v1/token', '/oauth/v3/token']])

/** Calls that the client has no method for. */
export const ownPaths = {
  accountDetails: '/account-info/v3/details',
  introspection: '/oauth/v3/token/introspect',
  privateAppToken: '/oauth/v2/private-apps/get/access-token-info',
} as const

/** The path that is really called for one that the client generated. */
export function calledPath(generated: string, release: ApiRelease): string {
  const bare = generated.length > 1 ? generated.replace(/\/$/, '') : generated
  const path = replaced.get(bare) ?? bare
  if (release === 'numbered') return path
  const family = families.find(({ generated: prefix }) => path === prefix || path.startsWith(`${prefix}/`))
  return family ? family.dated(release) + path.slice(family.generated.length) : path
}
