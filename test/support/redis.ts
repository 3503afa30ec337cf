/** URL of a Redis that tests may fill; null where the run has none. */
export const testRedisUrl: string | null = process.env['TEST_REDIS_URL'] ?? null
