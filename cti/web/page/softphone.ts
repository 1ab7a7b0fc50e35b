// A SIP phone in the page: JsSIP over the PBX's WebSocket, one call at a time. Knows nothing of the desk.
import * as JsSIP from "jssip";
import type { RTCSession, RTCSessionEvent } from "./sip";
import { microphoneFault, openMicrophone } from "./microphone";
import { t } from "./words";

export interface Line {
  url: string; // wss://…/ws
  uri: string; // sip:101-web@…
  user: string;
  secret: string;
  display_name: string;
  ice: string[]; // addresses of STUN servers
}

export type Registration = "off" | "connecting" | "registered" | "refused" | "cut";
export type Talk = "none" | "calling" | "ringing" | "talking";

export interface PhoneNews {
  registration: (state: Registration) => void;
  talk: (talk: Talk) => void;
  caller: (number: string) => void; // as the PBX shows it, before it rings
  fault: (sentence: string) => void;
}

const REGISTER_S = 120;
const ICE_PATIENCE_MS = 400; // after the first address: in one network the others add nothing

export class SoftPhone {
  private ua: JsSIP.UA | undefined;
  private session: RTCSession | undefined;
  private microphone: MediaStream | undefined;
  private ice: RTCIceServer[] = [];
  private readonly speaker = new Audio();

  constructor(private readonly news: PhoneNews) {
    this.speaker.autoplay = true;
  }

  /** What the microphone gives during a call. */
  get voice(): MediaStream | undefined {
    return this.microphone;
  }

  get muted(): boolean {
    return this.session?.isMuted().audio ?? false;
  }

  start(line: Line, register = true): void {
    this.stop();
    this.ice = line.ice.map((urls) => ({ urls }));
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(line.url)],
      uri: line.uri,
      authorization_user: line.user,
      password: line.secret,
      display_name: line.display_name,
      register,
      register_expires: REGISTER_S,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 8,
      user_agent: "PressZero",
    });
    this.ua = ua;
    this.news.registration("connecting");
    ua.on("connected", () => register || this.news.registration("registered"));
    ua.on("disconnected", () => this.ua === ua && this.news.registration("cut"));
    ua.on("registered", () => this.news.registration("registered"));
    ua.on("registrationFailed", () => this.news.registration("refused"));
    ua.on("newRTCSession", (event: RTCSessionEvent) => this.take(event.session, String(event.originator) === "remote"));
    ua.start();
  }

  stop(): void {
    const ua = this.ua;
    this.ua = undefined;
    ua?.stop(); // ends its call and its registration
    this.end();
    this.news.registration("off");
  }

  async answer(): Promise<void> {
    const session = this.session;
    if (!session || session.isEstablished()) return;
    const microphone = await this.borrowMicrophone();
    if (!microphone) return;
    if (session !== this.session) return this.release(); // the caller gave up meanwhile
    session.answer({ mediaStream: microphone, pcConfig: { iceServers: this.ice } });
  }

  /** Ring somebody; `target` is an extension of the PBX. */
  async call(target: string): Promise<void> {
    const microphone = await this.borrowMicrophone();
    if (!microphone || !this.ua) return;
    this.ua.call(target, { mediaStream: microphone, pcConfig: { iceServers: this.ice } });
  }

  hangUp(): void {
    if (this.session && !this.session.isEnded()) this.session.terminate();
  }

  mute(on: boolean): void {
    if (on) this.session?.mute({ audio: true });
    else this.session?.unmute({ audio: true });
  }

  /** As RFC 4733 events in the audio: what menus at the other end listen for. */
  press(digits: string): void {
    this.session?.sendDTMF(digits, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833, duration: 120, interToneGap: 80 });
  }

  private take(session: RTCSession, incoming: boolean): void {
    if (this.session) {
      session.terminate({ status_code: 486 });
      return;
    }
    this.session = session;
    const over = (): void => {
      if (session === this.session) this.end();
    };
    session.on("ended", over);
    session.on("failed", over);
    session.on("accepted", () => this.news.talk("talking"));
    session.on("confirmed", () => this.news.talk("talking"));
    session.on("peerconnection", ({ peerconnection }) => this.hear(peerconnection));
    if (session.connection) this.hear(session.connection); // of a call that we place it is there already
    let patience: ReturnType<typeof setTimeout> | undefined;
    session.on("icecandidate", ({ ready }) => (patience ??= setTimeout(ready, ICE_PATIENCE_MS)));
    if (incoming) this.news.caller(session.remote_identity.uri.user ?? "");
    this.news.talk(incoming ? "ringing" : "calling");
  }

  private hear(connection: RTCPeerConnection): void {
    connection.addEventListener("track", (event) => {
      this.speaker.srcObject = event.streams[0] ?? new MediaStream([event.track]);
      void this.speaker.play().catch(() => this.news.fault(t("The browser plays no sound before you have clicked on the page.")));
    });
  }

  private async borrowMicrophone(): Promise<MediaStream | undefined> {
    try {
      this.microphone ??= await openMicrophone();
    } catch (error) {
      this.news.fault(microphoneFault(error));
    }
    return this.microphone;
  }

  private release(): void {
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    this.microphone = undefined;
  }

  private end(): void {
    this.session = undefined;
    this.speaker.srcObject = null;
    this.release();
    this.news.talk("none");
  }
}
