import { describeCallFaults } from '#test/support/crm-troubles/call-faults.ts'
import { openTroubledHubspot } from '#test/support/crm-troubles/hubspot.ts'
import { describeRecordFaults } from '#test/support/crm-troubles/record-faults.ts'
import { useTroubledInstallation } from '#test/support/crm-troubles/troubled-installation.ts'

const prm = useTroubledInstallation(openTroubledHubspot)
describeCallFaults(prm)
describeRecordFaults(prm)
