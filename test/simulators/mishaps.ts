/** What the network does to a call that a fault strikes, whatever the protocol. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import type { CommonEffect } from './faults.ts'

type Effect = { readonly kind: string }
const isOf = <Kind extends CommonEffect['kind']>(
  fault: Effect,
  kind: Kind,
): fault is Extract<CommonEffect, { kind: Kind }> => fault.kind === kind

/** The page of a gateway in front of the CRM. */
export const htmlError = (status: number) =>
  `<html>\n<head><title>${status} Service Unavailable</title></head>\n<body><h1>${status}</h1><p>We are down for maintenance.</p></body>\n</html>\n`

/** Holds a call back as long as its faults say, beside `delayMs`. */
export async function applyDelays(faults: readonly Effect[], delayMs: number): Promise<void> {
  const extra = faults.reduce((sum, fault) => sum + (isOf(fault, 'slow') ? fault.delayMs : 0), delayMs)
  if (extra > 0) await sleep(extra)
}

export function cutConnection(reply: FastifyReply): void {
  reply.hijack()
  reply.raw.socket?.destroy()
}

/** Leaves a call without its answer, if one of its faults says so. */
export function loseAnswer(reply: FastifyReply, faults: readonly Effect[]): boolean {
  const lost = faults.find((fault) => isOf(fault, 'lost-answer'))
  if (lost === undefined) return false
  if (lost.how === 'silence') reply.hijack()
  else cutConnection(reply)
  return true
}
