/** The resources of the API and its limits. */
import { type ApiFrame, type ApiRoute, apiBase } from './api-server.ts'

export function listLimitRoutes(frame: ApiFrame): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/limits',
      operation: 'limits',
      handle: () => ({
        status: 200,
        body: {
          DailyApiRequests: {
            Max: frame.dailyLimit,
            Remaining: Math.max(0, frame.dailyLimit - frame.usedCalls),
          },
          DailyBulkV2QueryJobs: { Max: 10_000, Remaining: 10_000 },
          DataStorageMB: { Max: 1024, Remaining: 1000 },
        },
      }),
    },
    {
      method: 'GET',
      path: '',
      operation: 'versions',
      handle: () => ({
        status: 200,
        body: Object.fromEntries(
          ['sobjects', 'query', 'queryAll', 'limits', 'composite'].map((name) => [
            name,
            `${apiBase}/${name}`,
          ]),
        ),
      }),
    },
  ]
}
