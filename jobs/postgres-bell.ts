import { openChannel } from '#src/database/channel.ts'
import type { Bell } from './bell.ts'
import { type BellOptions, createTransportBell } from './transport-bell.ts'

export interface PostgresBellOptions extends BellOptions {
  readonly url: string
}

const channelName = 'counterpart_bell'

/** Rings through LISTEN and NOTIFY: every process that drains hears every ring, leases divide the work. */
export function createPostgresBell(options: PostgresBellOptions): Bell {
  const { logger, url } = options
  return createTransportBell(options, (deliver) => {
    const names = new Set<string>()
    const channel = openChannel({
      url,
      name: channelName,
      onMessage: (name) => void deliver(name),
      onReconnect: () => {
        logger.info('The bell is connected to the database again')
        for (const name of names) void deliver(name)
      },
      onTrouble: (error) =>
        logger.warn(
          { err: error },
          'The bell lost the database; it connects again, until then work is found by polling',
        ),
    })
    return {
      ready: channel.ready,
      send: (rung) => channel.send(rung),
      listen: (name) => void names.add(name),
      close: () => channel.close(),
    }
  })
}
