import type { Api } from '#test/support/api-client.ts'

/** A registration as the API tells it; what this run looks at. */
export interface DealAnswer {
  readonly id: string
  readonly externalRef: string | null
  readonly partnerId: string
  readonly status: string
  readonly conflict: string | null
  readonly outcome: string
}

export const readDeals = (admin: Api, filter = ''): Promise<DealAnswer[]> =>
  admin.all<DealAnswer>(`/api/v1/deals?sort=createdAt${filter}`)

/** How many records wait to go to the CRM, or to be compared with it. */
export async function countDirty(admin: Api): Promise<number> {
  const answer = await fetch(`${admin.url}/metrics`)
  const lines = (await answer.text()).split('\n')
  const figures = lines.filter((line) => /^counterpart_sync_records\{.*state="dirty"/.test(line))
  return figures.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
