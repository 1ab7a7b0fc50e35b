// JsSIP's types that its entry does not name.
export type { RTCSession } from "jssip/lib/RTCSession";
export type { RTCSessionEvent } from "jssip/lib/UA";
