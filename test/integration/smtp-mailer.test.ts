import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSmtpMailer } from '#src/notifications/smtp-mailer.ts'

/** Speaks as much SMTP as one message needs, and refuses mail to nobody@. */
const received: string[] = []
let server: Server
let url = ''

beforeAll(async () => {
  server = createServer((socket) => {
    let message: string | null = null
    const say = (line: string) => socket.write(`${line}\r\n`)
    say('220 mail.example')
    socket.on('data', (chunk) => {
      const text = chunk.toString()
      if (message !== null) {
        message += text
        if (!message.endsWith('\r\n.\r\n')) return
        received.push(message)
        message = null
        say('250 taken')
      } else if (/^DATA/i.test(text)) {
        message = ''
        say('354 go on')
      } else if (/^QUIT/i.test(text)) {
        socket.end('221 bye\r\n')
      } else {
        say(/^RCPT TO:<nobody@/i.test(text) ? '550 no such mailbox' : '250 fine')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `smtp://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

const message = {
  to: { name: 'Zoë Ä', address: 'zoe@acme.example' },
  subject: 'Registration R-1 is approved',
  text: 'Grüße\n',
  messageId: '<m1@counterpart>',
}

test('a message reaches the mail server with its sender, recipient and message id', async () => {
  const mailer = createSmtpMailer({ smtpUrl: url, from: 'Partner team <partners@vendor.example>' })
  await mailer.send(message)
  mailer.close()
  expect(received).toHaveLength(1)
  expect(received[0]).toContain('From: Partner team <partners@vendor.example>')
  expect(received[0]).toContain('zoe@acme.example')
  expect(received[0]).toContain('Message-ID: <m1@counterpart>')
})

test('a refusal of the mail server is an error that says why', async () => {
  const mailer = createSmtpMailer({ smtpUrl: url, from: 'partners@vendor.example' })
  const refused = mailer.send({ ...message, to: { name: 'N', address: 'nobody@acme.example' } })
  await expect(refused).rejects.toThrow('no such mailbox')
  mailer.close()
})
