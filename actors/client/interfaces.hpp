#pragma once
// The typed interfaces of the client's actors. One header, because storage publishes its events
// to the very actors that ask it: the flows of docs/architecture.md.

#include "actors/message_types.hpp"

namespace syncline::actors::client {

/// The only writer of the local store. Every request is answered after the commit that holds its
/// effect, or with the error that kept it out.
using storage_actor = caf::typed_actor<
  rt::sig<msg::LocalWritten, msg::WriteLocal>, rt::sig<msg::OutboxBatch, msg::TakeOutboxBatch>,
  rt::sig<msg::BatchResultApplied, msg::ApplyBatchResult>,
  rt::sig<msg::BatchResultApplied, msg::ApplyBatchRefusal>,
  rt::sig<msg::Done, msg::QuarantinePoison>,
  rt::sig<msg::RemoteChangesApplied, msg::ApplyRemoteChanges>, rt::sig<msg::Done, msg::ResetCursor>,
  rt::sig<msg::ResolutionApplied, msg::ApplyResolution>,
  rt::sig<msg::LocalWritten, msg::ManageOutbox>, rt::sig<msg::Done, msg::AddCollection>,
  rt::sig<msg::Done, msg::DropCollection>, rt::sig<msg::Done, msg::StoreJob>,
  rt::sig<msg::Done, msg::EraseJob>, rt::sig<msg::DocumentStored, msg::StoreDocument>,
  rt::sig<msg::Done, msg::EraseDocument>, rt::sig<msg::Done, msg::CloseReport>,
  rt::sig<void, host_write>,     // as WriteLocal, from a thread that is no actor
  rt::sig<void, msg::FlushDue>>; // from itself: behind everything that waits

/// Carries a request to the server and brings the reply; `status` 0 where there was none.
using transport_actor = caf::typed_actor<rt::sig<msg::HttpReply, msg::HttpRequest>>;

/// Drains what waits to the server, one batch in flight at a time.
using outbox_actor =
  caf::typed_actor<rt::sig<void, msg::LocalWritesCommitted>, // from storage: there is something to
                                                             // send
                   rt::sig<msg::DrainReport, msg::DrainOutbox>, rt::sig<void, msg::EndEarly>,
                   rt::sig<msg::Done, msg::SetPaused>, rt::sig<msg::Activity, msg::ReadActivity>,
                   rt::sig<void, msg::OutboxDrainDue>>; // from itself: a pause or a backoff elapsed

/// Pulls each collection until caught up, and again after the interval.
using poll_actor =
  caf::typed_actor<rt::sig<msg::PullReport, msg::PullNow>, rt::sig<void, msg::EndEarly>,
                   rt::sig<msg::Done, msg::SetPaused>, rt::sig<msg::Activity, msg::ReadActivity>,
                   rt::sig<void, msg::PollDue>>;

/// The live connection: pages as they are made. What begins with `line` comes from the dialer's
/// thread.
using stream_actor =
  caf::typed_actor<rt::sig<msg::Done, msg::SetPaused>, // from link
                   rt::sig<msg::Activity, msg::ReadActivity>, rt::sig<void, line_opened>,
                   rt::sig<void, line_alive>, rt::sig<void, line_message>,
                   rt::sig<void, line_ended>,
                   rt::sig<void, msg::StreamDue>,   // from itself: the wait is over
                   rt::sig<void, msg::StreamBeat>>; // from itself: is anybody there?

/// The directory of shared texts: there is never more than one actor of one.
using documents_actor =
  caf::typed_actor<rt::sig<void, document_question>,   // from a thread that is no actor
                   rt::sig<msg::Done, msg::SetPaused>, // from link
                   rt::sig<msg::Activity, msg::ReadActivity>,
                   rt::sig<msg::Done, msg::KeepTexts>,        // from the host, before it closes
                   rt::sig<msg::TextsSynced, msg::SyncTexts>, // from sync
                   rt::sig<void, msg::EndEarly>,              // from sync: its run
                   rt::sig<void, msg::DocumentRests>,         // from one of them
                   rt::sig<void, text_settled>, rt::sig<void, text_kept>, // likewise
                   rt::sig<void, msg::RemovalDue>, // from itself, as the next
                   rt::sig<void, msg::SyncTextsDue>>;

/// Says who of stream, poll, outbox and documents works while the network is as it is.
using link_actor =
  caf::typed_actor<rt::sig<msg::Done, msg::SetPaused>, // from the host: start and stop
                   rt::sig<msg::Activity, msg::ReadActivity>,
                   rt::sig<void, msg::StreamChanged>,        // from stream
                   rt::sig<void, msg::LineTried>,            // from poll
                   rt::sig<void, msg::ReachabilityChanged>>; // from the host or its machine

/// The only place where the server's data meets what waits here.
using conflict_actor =
  caf::typed_actor<rt::sig<msg::RemoteChangesApplied, msg::ApplyRemoteChanges>, // from poll or
                                                                                // stream
                   rt::sig<void, msg::ConflictsRecorded>,                       // from storage
                   rt::sig<msg::Done, msg::ResolveConflict>,                    // from the host
                   rt::sig<msg::Done, msg::SettleConflicts>>;                   // from sync

/// Hands committed changes to the host, in order.
using observer_actor =
  caf::typed_actor<rt::sig<void, msg::StoreChanged>, rt::sig<void, msg::MutationsAdvanced>,
                   rt::sig<void, msg::ConflictsRecorded>, rt::sig<msg::HostVerdict, msg::AskHost>,
                   rt::sig<void, msg::HostVerdict>>; // from the host's thread

/// One sync run at a time: push, pull, and again while there is something to do.
using sync_actor =
  caf::typed_actor<rt::sig<msg::SyncReport, msg::SyncNow>, rt::sig<void, msg::EndEarly>>;

/// Runs the jobs when they are due and the machine is as they need it.
using background_actor =
  caf::typed_actor<rt::sig<msg::JobScheduled, msg::ScheduleJob>, // from the host
                   rt::sig<msg::Done, msg::CancelJob>, rt::sig<msg::SyncReport, msg::RunJob>,
                   rt::sig<msg::SyncReport, msg::RunUntil>,
                   rt::sig<void, msg::ConditionsChanged>, // from the host or its machine
                   rt::sig<void, msg::JobDue>, rt::sig<void, msg::JobDeadline>>; // from itself

/// Where storage publishes its events; given once all of them are spawned.
struct storage_listeners {
  outbox_actor outbox;
  conflict_actor conflict;
  observer_actor observer;
};

} // namespace syncline::actors::client
