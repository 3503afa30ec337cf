import { createTransport } from 'nodemailer'
import type { Mailer } from './mail.ts'

const timeoutMs = 30_000

/** Sends by a mail server. @param settings.smtpUrl smtp://user:password@host:587, or smtps: */
export function createSmtpMailer(settings: {
  readonly smtpUrl: string
  readonly from: string
}): Mailer & { close(): void } {
  const transport = createTransport(
    {
      url: settings.smtpUrl,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
    },
    { from: settings.from },
  )
  return {
    async send({ to, subject, text, messageId }) {
      await transport.sendMail({
        to,
        subject,
        text,
        messageId,
        headers: { 'auto-submitted': 'auto-generated' },
      })
    },
    close: () => transport.close(),
  }
}
