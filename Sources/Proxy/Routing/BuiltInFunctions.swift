/// What PostgreSQL's own functions are to somebody who may choose the server. Made by going through `pg_proc` of
/// PostgreSQL 15 (every volatile function of `pg_catalog`, and the stable ones that look at a server, a session or the
/// catalogs), with names that came or went between 13 and 18. What is not here goes by its volatility: volatile ones to
/// the primary, others wherever the statement may go.
enum BuiltInFunctions {
    enum Place: Sendable {
        /// Says the same, or something equally good, on every server.
        case anywhere
        /// Looks at rights or names: a replica that has replayed the last definition says the same.
        case catalogRead
        case primary
    }

    struct Group: Sendable {
        let place: Place
        var effects: Decision.Effects = []
        /// Executes SQL that is given as text, so that nothing is known of what it touches.
        var runsText = false
        let reason: String
        let names: String
    }

    static let byName: [String: Group] = {
        var result: [String: Group] = [:]
        for group in groups {
            for name in group.names.split(whereSeparator: \.isWhitespace) { result[String(name)] = group }
        }
        return result
    }()

    /// Families whose members differ between versions.
    private static let prefixes = ["pg_stat_get_", "pg_stat_reset", "binary_upgrade_", "pg_ls_"]

    static func group(named name: String) -> Group? {
        if let group = byName[name] { return group }
        return prefixes.contains { name.hasPrefix($0) } ? byName["pg_stat_get_"] : nil
    }

    static let groups: [Group] = harmless + session + ofThePrimary

    private static let harmless = [
        Group(
            place: .anywhere, reason: "new at every call, on every server",
            names: """
                random random_normal clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7 pg_sleep pg_sleep_for
                pg_sleep_until current_query pg_jit_available
                """),
        Group(
            place: .anywhere, reason: "looks only at the row that its trigger is for",
            names: """
                suppress_redundant_updates_trigger tsvector_update_trigger tsvector_update_trigger_column
                unique_key_recheck RI_FKey_cascade_del RI_FKey_cascade_upd RI_FKey_check_ins RI_FKey_check_upd
                RI_FKey_noaction_del RI_FKey_noaction_upd RI_FKey_restrict_del RI_FKey_restrict_upd
                RI_FKey_setdefault_del RI_FKey_setdefault_upd RI_FKey_setnull_del RI_FKey_setnull_upd
                """),
        Group(
            place: .anywhere, reason: "no statement calls it, or it only answers the planner",
            names: """
                amvalidate bernoulli system brinhandler bthandler ginhandler gisthandler hashhandler spghandler
                heap_tableam_handler dsnowball_init dsnowball_lexize plpgsql_call_handler plpgsql_inline_handler
                plpgsql_validator pg_stat_clear_snapshot pg_stat_force_next_flush
                """),
        Group(
            place: .catalogRead, reason: "looks at rights",
            names: """
                has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
                has_function_privilege has_language_privilege has_parameter_privilege has_schema_privilege
                has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege
                has_type_privilege pg_has_role row_security_active enum_first enum_last enum_range format_type
                current_schema current_schemas get_current_ts_config
                """),
    ]

    private static let session = [
        Group(
            place: .anywhere, effects: .settings, reason: "changes a setting of the session", names: "set_config"),
        Group(
            place: .primary, effects: .advisoryLock, reason: "takes an advisory lock, which lives on the primary",
            names: """
                pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
                """),
        Group(
            place: .primary, effects: .advisoryUnlock, reason: "gives an advisory lock back",
            names: "pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_unlock_all"),
        Group(
            place: .primary, effects: .primaryOnly, reason: "takes an advisory lock, which lives on the primary",
            names: """
                pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock
                pg_try_advisory_xact_lock_shared
                """),
        Group(
            place: .primary, effects: [.primaryOnly, .sequenceState],
            reason: "speaks of the session's own sequence values",
            names: "currval lastval"),
        Group(
            place: .primary, reason: "speaks of the server process behind the session",
            names: """
                pg_backend_pid inet_server_addr inet_server_port inet_client_addr inet_client_port pg_my_temp_schema
                pg_is_other_temp_schema pg_listening_channels pg_cursor pg_prepared_statement pg_show_all_settings
                pg_settings_get_flags setseed pg_get_backend_memory_contexts
                """),
        Group(
            place: .primary, effects: [.primaryOnly, .keepsServer], reason: "leaves something in the server process",
            names: """
                pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup pg_replication_origin_session_setup
                pg_replication_origin_session_reset pg_replication_origin_xact_setup pg_replication_origin_xact_reset
                pg_create_logical_replication_slot pg_create_physical_replication_slot
                pg_copy_logical_replication_slot pg_copy_physical_replication_slot
                """),
    ]

    private static let ofThePrimary = [
        Group(
            place: .primary, effects: .primaryOnly, reason: "changes a sequence, or looks at one",
            names: "nextval setval pg_sequence_last_value pg_sequence_parameters pg_get_sequence_data"),
        Group(place: .primary, effects: .primaryOnly, reason: "notifies listeners", names: "pg_notify"),
        Group(
            place: .primary, effects: .primaryOnly, reason: "gives or judges a transaction's number",
            names: """
                txid_current txid_current_if_assigned txid_current_snapshot txid_status pg_current_xact_id
                pg_current_xact_id_if_assigned pg_current_snapshot pg_xact_status pg_xact_commit_timestamp
                pg_xact_commit_timestamp_origin pg_last_committed_xact pg_get_multixact_members mxid_age
                pg_export_snapshot
                """),
        Group(
            place: .primary, effects: .primaryOnly, reason: "works on large objects",
            names: """
                lo_close lo_creat lo_create lo_export lo_from_bytea lo_get lo_import lo_lseek lo_lseek64 lo_open lo_put
                lo_tell lo_tell64 lo_truncate lo_truncate64 lo_unlink loread lowrite
                """),
        Group(
            place: .primary, effects: .primaryOnly, reason: "works on the write-ahead log or on replication",
            names: """
                pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn pg_switch_wal
                pg_walfile_name pg_walfile_name_offset pg_split_walfile_name pg_create_restore_point
                pg_drop_replication_slot pg_replication_slot_advance pg_sync_replication_slots
                pg_logical_emit_message pg_logical_slot_get_binary_changes pg_logical_slot_get_changes
                pg_logical_slot_peek_binary_changes pg_logical_slot_peek_changes pg_get_replication_slots
                pg_replication_origin_advance pg_replication_origin_create pg_replication_origin_drop
                pg_replication_origin_oid pg_replication_origin_progress pg_replication_origin_session_is_setup
                pg_replication_origin_session_progress pg_show_replication_origin_status pg_promote
                pg_wal_replay_pause pg_wal_replay_resume pg_is_in_backup pg_backup_start_time
                """),
        Group(
            place: .primary, reason: "tells what this very server is or has replayed",
            names: """
                pg_is_in_recovery pg_is_wal_replay_paused pg_get_wal_replay_pause_state pg_last_wal_receive_lsn
                pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_control_checkpoint pg_control_init
                pg_control_recovery pg_control_system pg_get_wal_resource_managers pg_postmaster_start_time
                pg_conf_load_time pg_config pg_read_file pg_read_file_old pg_read_binary_file pg_stat_file
                pg_current_logfile pg_hba_file_rules pg_ident_file_mappings pg_show_all_file_settings
                pg_available_extension_versions pg_available_extensions pg_extension_update_paths
                pg_collation_actual_version pg_database_collation_actual_version
                """),
        Group(
            place: .primary, reason: "counts or shows what happens on this very server",
            names: """
                pg_stat_get_ pg_stat_have_stats pg_lock_status pg_blocking_pids pg_safe_snapshot_blocking_pids
                pg_isolation_test_session_is_blocked pg_prepared_xact pg_get_shmem_allocations
                pg_notification_queue_usage pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size
                pg_database_size pg_tablespace_size pg_tablespace_databases pg_tablespace_location
                pg_relation_filenode pg_relation_filepath pg_filenode_relation currtid2
                """),
        Group(
            place: .primary, effects: .primaryOnly, reason: "commands the server",
            names: """
                pg_cancel_backend pg_terminate_backend pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old
                pg_log_backend_memory_contexts pg_import_system_collations pg_extension_config_dump pg_nextoid
                pg_stop_making_pinned_objects brin_desummarize_range brin_summarize_new_values brin_summarize_range
                gin_clean_pending_list
                """),
        Group(
            place: .primary, effects: .settings, runsText: true, reason: "executes SQL that is given as text",
            names: """
                query_to_xml query_to_xml_and_xmlschema query_to_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat
                ts_rewrite database_to_xml database_to_xml_and_xmlschema database_to_xmlschema schema_to_xml
                schema_to_xml_and_xmlschema schema_to_xmlschema table_to_xml table_to_xml_and_xmlschema
                table_to_xmlschema
                """),
        Group(
            place: .primary, reason: "looks at the catalogs",
            names: """
                col_description obj_description shobj_description pg_describe_object pg_identify_object
                pg_identify_object_as_address pg_get_object_address pg_get_catalog_foreign_keys pg_get_constraintdef
                pg_get_expr pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments
                pg_get_function_result pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef
                pg_get_partition_constraintdef pg_get_partkeydef pg_get_publication_tables
                pg_get_replica_identity_index pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef
                pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions pg_get_triggerdef pg_get_userbyid
                pg_get_viewdef pg_index_column_has_property pg_index_has_property pg_indexam_has_property
                pg_column_is_updatable pg_relation_is_publishable pg_relation_is_updatable pg_partition_ancestors
                pg_partition_root pg_partition_tree pg_collation_for pg_collation_is_visible pg_conversion_is_visible
                pg_function_is_visible pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible
                pg_statistics_obj_is_visible pg_table_is_visible pg_ts_config_is_visible pg_ts_dict_is_visible
                pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible pg_options_to_table
                pg_mcv_list_items to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc
                to_regprocedure to_regrole to_regtype regclass
                """),
    ]
}
