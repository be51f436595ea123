#pragma once
// What every server store does, whatever it keeps its rows in. An implementation instantiates it:
//
//   BOOST_AUTO_TEST_SUITE(server_store_something)
//   SYNCLINE_SERVER_STORE_CONTRACT(my_factory)
//   BOOST_AUTO_TEST_SUITE_END()
//
// A factory opens an empty store when it is made; its store draws its random numbers from a seeded
// source.
//
//   server_store& store();
//   void reopen();             // an orderly restart
//   void reopen_as_restored(); // ... after our tool put back a backup: a new epoch
//   void save();               // copies the files of the store away
//   void roll_back();          // stops it, puts those files back by hand, and starts it

#include "tests/storage/document_store_contract.hpp"
#include "tests/storage/server_store_batch_contract.hpp"
#include "tests/storage/server_store_birth_contract.hpp"
#include "tests/storage/server_store_live_contract.hpp"
#include "tests/storage/server_store_page_contract.hpp"

#define SYNCLINE_SERVER_STORE_CASE(contract, factory, name)                                        \
  BOOST_AUTO_TEST_CASE(name) {                                                                     \
    ::syncline::storage::test::contract<factory>::name();                                          \
  }

#define SYNCLINE_SERVER_STORE_BATCH_CONTRACT(factory)                                              \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             sequences_are_dense_in_the_order_of_commits)                          \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_repeated_batch_gets_the_same_answers_and_changes_nothing)           \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_repeated_conflict_brings_the_item_as_it_is_now)                     \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             another_payload_under_a_known_id_ends_the_answer_before_it)           \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_skip_is_given_what_became_of_the_mutation)                          \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_skip_is_not_given_what_became_of_another_copys_mutation)            \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_gap_is_refused_and_names_what_is_expected)                          \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             an_id_whose_result_is_forgotten_is_a_gap)                             \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory, results_are_forgotten_by_age)         \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             results_of_a_client_that_never_acknowledges_have_a_cap)               \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_batch_names_the_start_of_the_server)                                \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             m7_a_copy_that_was_delayed_over_a_restore_takes_no_effect)            \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_batch_says_what_its_client_has_seen)                                \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_former_id_is_given_its_stored_result)                               \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             m3_a_mutation_that_never_arrived_is_applied_once_under_its_new_name)  \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             m12_the_outcome_of_a_forgotten_former_id_is_unknown)                  \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             another_mutation_under_a_former_id_is_new)                            \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory, a_batch_that_is_no_batch_is_refused)  \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory, names_that_are_too_long_fail_alone)   \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory, a_group_is_applied_as_a_whole)        \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory, a_group_that_is_not_whole_fails)      \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory, a_group_changes_each_item_once)       \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_repeated_group_gets_the_same_answers)                               \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_tombstone_hands_on_its_version_and_birth)                           \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             last_modified_never_falls_along_the_sequence)                         \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory, spaces_do_not_see_each_other)         \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_plain_batch_needs_no_ids_and_names_no_start)                        \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory, a_named_request_happens_once)         \
  SYNCLINE_SERVER_STORE_CASE(server_batch_contract, factory,                                       \
                             a_named_request_that_was_refused_may_come_again)

#define SYNCLINE_SERVER_STORE_PAGE_CONTRACT(factory)                                               \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory, an_empty_collection_is_one_page)       \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             a_walk_states_its_ranges_and_goes_on_from_each_page)                  \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             what_changes_during_a_walk_comes_as_changes)                          \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             m4_an_item_born_and_deleted_behind_a_walk_leaves_no_ghost)            \
  SYNCLINE_SERVER_STORE_CASE(server_live_contract, factory, a_page_says_for_whom_it_is_the_same)   \
  SYNCLINE_SERVER_STORE_CASE(server_live_contract, factory,                                        \
                             behind_its_walk_every_client_has_the_same_cursor)                     \
  SYNCLINE_SERVER_STORE_CASE(server_live_contract, factory,                                        \
                             behind_the_head_there_is_nothing_but_what_comes)                      \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             an_id_comes_once_however_often_it_changed)                            \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             created_and_updated_are_told_apart_by_the_cursor)                     \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             plain_clients_are_spared_tombstones_of_what_they_never_had)           \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory, a_page_keeps_its_limits)               \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             a_page_keeps_its_bytes_but_has_at_least_one_item)                     \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory, a_page_never_ends_inside_a_group)      \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             a_group_of_changes_without_effect_holds_up_no_page)                   \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory, an_idle_collection_stays_at_the_head)  \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             not_modified_only_at_the_head_with_nothing_after_the_cursor)          \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             a_place_that_this_history_lacks_is_refused_with_its_reason)           \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             a_restart_before_the_first_change_is_no_lost_history)                 \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             m6_plain_clients_carry_what_they_have_seen_in_their_cursor)           \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             trimmed_tombstones_raise_the_floor_of_their_collection)               \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory, a_cursor_that_is_not_ours_is_refused)  \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             a_long_run_of_tombstones_ends_a_page_of_a_walk)                       \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             changes_of_one_millisecond_are_neither_skipped_nor_split)             \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             updates_since_a_time_are_those_of_a_linear_search)                    \
  SYNCLINE_SERVER_STORE_CASE(server_page_contract, factory,                                        \
                             whoever_pages_ends_with_the_items_of_the_server)

#define SYNCLINE_SERVER_STORE_BIRTH_CONTRACT(factory)                                              \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory,                                       \
                             a_creation_that_a_copy_sends_again_does_not_raise_the_dead)           \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory,                                       \
                             a_creation_that_a_copy_sends_again_leaves_later_changes_alone)        \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory,                                       \
                             a_creation_of_a_former_life_is_known_too)                             \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory,                                       \
                             a_creation_is_known_for_a_year_after_its_tombstone_was_trimmed)       \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory,                                       \
                             a_creation_that_was_edited_in_a_copy_is_no_repetition)                \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory, equal_creations_of_two_users_are_two) \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory,                                       \
                             a_creation_of_what_was_there_already_is_known_too)                    \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory, a_plain_clients_nonce_is_no_birth)    \
  SYNCLINE_SERVER_STORE_CASE(server_birth_contract, factory,                                       \
                             a_group_with_a_repeated_creation_is_applied)

#define SYNCLINE_SERVER_STORE_CONTRACT(factory)                                                    \
  SYNCLINE_SERVER_STORE_BATCH_CONTRACT(factory)                                                    \
  SYNCLINE_SERVER_STORE_BIRTH_CONTRACT(factory)                                                    \
  SYNCLINE_DOCUMENT_STORE_CONTRACT(factory)                                                        \
  SYNCLINE_SERVER_STORE_PAGE_CONTRACT(factory)
