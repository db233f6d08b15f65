// Disables a button while its work runs, and says what went wrong.
import { toast } from "./toast.js";

export async function whileBusy(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    toast(error instanceof TypeError ? "There is no connection." : error.message, "error");
  } finally {
    button.disabled = false;
  }
}
