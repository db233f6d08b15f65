// The scripts of all pages behind the sign-in. Each module is one behaviour, and does nothing on pages
// without the elements that it is for. The build joins them into one file (functions/web/build.rs).

// On every page
import "./live-updates.js";
import "./relative-times.js";
import "./session.js";
import "./app-manifest.js";
import "./service-worker.js";
import "./show-origin.js";
import "./copy-button.js";
import "./copy-address.js";
import "./plugin-host.js";

// The inbox
import "./press-guard.js";
import "./review-rows.js";
import "./list-view.js";
import "./review-pane.js";
import "./keyboard-shortcuts.js";
import "./notify-button.js";
import "./datetime-zone.js";
import "./field-validation.js";
import "./field-feedback.js";
import "./markdown-preview.js";
import "./hold-button.js";
import "./decision-bar.js";
import "./answer-form.js";
import "./answer-signal.js";
import "./act-editor.js";
import "./withdrawn-review.js";
import "./bulk-answer.js";
import "./hide-until-later.js";
import "./first-run.js";

// Channels
import "./conversation-scroll.js";
import "./conversation-marks.js";
import "./answer-in-place.js";
import "./compose-message.js";
import "./quote-message.js";
import "./retry-delivery.js";

// Files
import "./file-selection.js";
import "./file-preview.js";
import "./file-share.js";
import "./file-drop.js";

// The log and the settings
import "./request-log.js";
import "./api-form.js";
import "./secret-dialog.js";
import "./avatar-upload.js";
import "./webhook-test.js";
import "./email-test.js";
import "./own-zone.js";
import "./push-device.js";
import "./theme-choice.js";
import "./plugin-settings.js";
