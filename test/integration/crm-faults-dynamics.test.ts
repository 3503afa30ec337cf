import { describeCallFaults } from '#test/support/crm-troubles/call-faults.ts'
import { openTroubledDynamics } from '#test/support/crm-troubles/dynamics.ts'
import { describeRecordFaults } from '#test/support/crm-troubles/record-faults.ts'
import { useTroubledInstallation } from '#test/support/crm-troubles/troubled-installation.ts'

const prm = useTroubledInstallation(openTroubledDynamics)
describeCallFaults(prm)
describeRecordFaults(prm)
