// The microphone: asking for it, and saying why it cannot be had.
import { t } from "./words";

const VOICE: MediaStreamConstraints = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: false,
};

/** A microphone's refusal as a sentence that says what to do. */
export function microphoneFault(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (!globalThis.isSecureContext) return t("The browser gives the microphone to pages over https only.");
  if (name === "NotAllowedError") return t("The browser may not use the microphone: allow it beside the page's address.");
  if (name === "NotFoundError") return t("No microphone is connected.");
  if (name === "NotReadableError") return t("Another program holds the microphone: close it, then try again.");
  return t("The microphone does not work: choose another one in the browser's settings.");
}

/** Asks the person, if need be. The caller ends the stream's tracks. */
export async function openMicrophone(): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new DOMException("insecure", "SecurityError");
  return navigator.mediaDevices.getUserMedia(VOICE);
}
