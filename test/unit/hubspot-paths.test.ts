import { describe, expect, it } from 'vitest'
import { calledPath, crmObject, objectTypeIds } from '#connectors/hubspot/api-paths.ts'
import { hubspotCredentialsSchema } from '#connectors/hubspot/credentials.ts'

describe('the path that is called', () => {
  it.each([
    ['/crm/v3/objects/deals/batch/upsert', '/crm/objects/2026-09/deals/batch/upsert'],
    ['/crm/v3/objects/deals', '/crm/objects/2026-09/deals'],
    ['/crm/v3/properties/deals/groups', '/crm/properties/2026-09/deals/groups'],
    ['/crm/v3/pipelines/deals', '/crm/pipelines/2026-09/deals'],
    ['/crm/v3/owners/', '/crm/owners/2026-09'],
    ['/crm/v3/owners/17', '/crm/owners/2026-09/17'],
    [
      '/crm/v4/associations/deals/companies/batch/read',
      '/crm/associations/2026-09/deals/companies/batch/read',
    ],
    ['/account-info/v3/details', '/account-info/2026-09/details'],
    ['/oauth/v1/token', '/oauth/2026-09/token'],
    ['/oauth/v3/token/introspect', '/oauth/2026-09/token/introspect'],
  ])('is the dated one for %s', (generated, dated) => {
    expect(calledPath(generated, '2026-09')).toBe(dated)
  })

  it('is the numbered one otherwise, but for the sign-in that ends sooner', () => {
    expect(calledPath('/crm/v3/objects/deals', 'numbered')).toBe('/crm/v3/objects/deals')
    expect(calledPath('/crm/v3/owners/', 'numbered')).toBe('/crm/v3/owners')
    expect(calledPath('/oauth/v1/token', 'numbered')).toBe('/oauth/v3/token')
  })

  it('stays as it is where no dated release has it', () => {
    const path = '/oauth/v2/private-apps/get/access-token-info'
    expect(calledPath(path, '2026-09')).toBe(path)
    expect(calledPath('/crm/v3/objectsx', '2026-09')).toBe('/crm/v3/objectsx')
  })

  it('is known for three objects', () => {
    expect(Object.keys(objectTypeIds).map(crmObject)).toEqual(['contacts', 'companies', 'deals'])
    expect(() => crmObject('toString')).toThrow('toString')
  })
})

describe('credentials of HubSpot', () => {
  const oauth = {
    grant: 'refresh_token',
    clientId: 'id',
    clientSecret: 'secret-1',
    refreshToken: 'refresh-1',
  }

  it('take the public address unless another one is named', () => {
    expect(hubspotCredentialsSchema.parse(oauth).apiUrl).toBe('https://api.hubapi.com')
    const local = { ...oauth, apiUrl: 'http://127.0.0.1:4010/some/path' }
    expect(hubspotCredentialsSchema.parse(local).apiUrl).toBe('http://127.0.0.1:4010')
  })

  it.each([
    ['an address without encryption', { ...oauth, apiUrl: 'http://api.hubapi.com' }],
    ['an address that is none', { ...oauth, apiUrl: 'hubapi' }],
    ['no secret', { ...oauth, clientSecret: '' }],
    ['an app id that is no number', { ...oauth, appId: 'mine' }],
    ['an unknown member', { ...oauth, password: 'x' }],
    ['a token with a line break', { grant: 'access_token', accessToken: 'pat-1\nx' }],
    ['another grant', { grant: 'password' }],
  ])('are refused with %s, and no value is repeated', (_, credentials) => {
    const { success, error } = hubspotCredentialsSchema.safeParse(credentials)
    expect(success).toBe(false)
    expect(JSON.stringify(error)).not.toMatch(/secret-1|refresh-1|pat-1/)
  })
})
