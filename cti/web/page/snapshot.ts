// The desk's snapshot as the server sends it: `GET /api/v1/desk`, and each event of `/desk/stream`. Always whole.

export type Presence = "ready" | "paused" | "wrap_up" | "away";
export type PhoneChoice = "own" | "page";
export type CallState = "ringing" | "talking" | "held" | "asked" | "wrap_up";

export interface Me {
  extension: string;
  name: string;
  presence: Presence;
  reason: string | null; // of a pause
  since: string | null; // ISO 8601, as all times here
  until: string | null; // a wrap-up ends by itself then
  phone: PhoneChoice;
}

export interface Customer {
  id: number;
  name: string;
  vip_level: number;
  fields: Record<string, string>;
  numbers: string[];
}

export interface Orders {
  state: "none" | "loading" | "here" | "not_available";
  items: { title: string; status: string; link: string | null }[];
}

export interface PastTicket {
  ticket: string;
  subject: string;
  status: string;
  created_at: string;
  recording: boolean; // there is something to hear
}

export interface HeardLine {
  speaker: string; // "caller" or "bot"
  text: string;
  at: string;
}

export interface Learnt {
  wanted: string;
  facts: { title: string; value: string; sure: boolean }[];
  lookup: string;
  identity: string;
}

export interface Pop {
  call_id: string;
  ticket: string | null; // for the first moment of a call
  state: CallState;
  since: string;
  number: string | null; // E.164; null: withheld
  number_shown: string;
  line: string;
  queue: string | null;
  vip_level: number;
  language: string | null; // BCP 47
  hand_over: string | null;
  learnt: Learnt; // by the bot
  customer: Customer | null;
  candidates: { id: number; name: string }[];
  orders: Orders;
  heard: HeardLine[];
  path: string[];
  history: PastTicket[];
  recording_paused: boolean;
  consulting: string | null; // the extension that is being asked
  consulting_answered: boolean; // until then it rings
  tools?: string[] | null; // what the call's PBX does at our word; null: everything
  asked_by: string | null; // the extension that asks this operator
}

export interface QueueFigure {
  name: string;
  waiting: number;
  longest_since: string | null;
}

export interface Reminder {
  ticket: string;
  text: string;
  at: string;
}

export interface Colleague {
  extension: string;
  name: string;
  presence: Presence;
  talking: boolean;
}

export interface Snapshot {
  now: string;
  me: Me;
  call: Pop | null;
  queues: QueueFigure[];
  missed: number;
  reminders: Reminder[];
  colleagues: Colleague[];
}
