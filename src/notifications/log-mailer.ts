import type { Mailer } from './mail.ts'

/** For an installation without a mail server: says in the log what would have been sent. */
export const createLogMailer = (log: { info(fields: object, message: string): void }): Mailer => ({
  async send({ to, subject, messageId }) {
    log.info({ to: to.address, subject, messageId }, 'No mail server is set: this mail was not sent')
  },
})
