//! The calls of Box's API description (2024.0, 2025.0 and 2026.0) that the mock knows by name and does not
//! play. Rows of families that it plays come first in the table, so a row here never hides one of them.

use http::Method;

use super::endpoint::{BodyKind::NoBody, Endpoint, Handler::NotPlayed, row};
use crate::{domain::operation::Operation, mock_box::auth::Access};

/// A row for a call that is not played. Any caller gets the same answer, whatever its token permits.
pub(super) const fn unplayed(method: Method, path: &'static str, what: &'static str) -> Endpoint {
    row(method, path, Operation::NotPlayed, NoBody, NotPlayed(what)).with_access(Access::Open)
}

macro_rules! unplayed {
    ($($what:literal { $($path:literal: $($method:ident)+,)+ })+) => {
        &[$($($(unplayed(Method::$method, $path, $what),)+)+)+]
    };
}

pub(super) static ENDPOINTS: &[Endpoint] = unplayed! {
    "the log of upload sessions" {
        "files/upload_sessions/{session_id}/log": POST,
    }
    "the trash" {
        "files/{file_id}": POST,
        "files/{file_id}/trash": GET DELETE,
        "folders/{folder_id}": POST,
        "folders/{folder_id}/trash": GET DELETE,
        "web_links/{web_link_id}": POST,
        "web_links/{web_link_id}/trash": GET DELETE,
    }
    "app item associations" {
        "files/{file_id}/app_item_associations": GET,
        "folders/{folder_id}/app_item_associations": GET,
    }
    "collaborations" {
        "files/{file_id}/collaborations": GET,
        "folders/{folder_id}/collaborations": GET,
        "collaborations/{collaboration_id}": GET PUT DELETE,
        "collaborations": GET POST,
        "groups/{group_id}/collaborations": GET,
    }
    "comments" {
        "files/{file_id}/comments": GET,
        "comments/{comment_id}": GET PUT DELETE,
        "comments": POST,
    }
    "tasks" {
        "files/{file_id}/tasks": GET,
        "tasks": POST,
        "tasks/{task_id}": GET PUT DELETE,
        "tasks/{task_id}/assignments": GET,
        "task_assignments": POST,
        "task_assignments/{task_assignment_id}": GET PUT DELETE,
    }
    "restoring a deleted version" {
        "files/{file_id}/versions/{file_version_id}": PUT,
    }
    "watermarks" {
        "files/{file_id}/watermark": GET PUT DELETE,
        "folders/{folder_id}/watermark": GET PUT DELETE,
    }
    "file requests" {
        "file_requests/{file_request_id}": GET PUT DELETE,
        "file_requests/{file_request_id}/copy": POST,
    }
    "folder locks" {
        "folder_locks": GET POST,
        "folder_locks/{folder_lock_id}": DELETE,
    }
    "metadata templates" {
        "metadata_templates": GET,
        "metadata_templates/{template_id}": GET,
        "metadata_templates/schema": POST,
        "metadata_templates/{scope}/{template_key}/schema": GET PUT DELETE,
    }
    "metadata of folders" {
        "folders/{folder_id}/metadata": GET,
        "folders/{folder_id}/metadata/{scope}/{template_key}": GET POST PUT DELETE,
    }
    "metadata cascade policies" {
        "metadata_cascade_policies": GET POST,
        "metadata_cascade_policies/{metadata_cascade_policy_id}": GET DELETE,
        "metadata_cascade_policies/{metadata_cascade_policy_id}/apply": POST,
    }
    "search" {
        "metadata_queries/execute_read": POST,
        "search": GET,
    }
    "finding an item by its shared link" {
        "shared_items": GET,
    }
    "web links" {
        "web_links": POST,
        "web_links/{web_link_id}": GET PUT DELETE,
    }
    "other users" {
        "users": GET POST,
        "users/{user_id}": GET PUT DELETE,
    }
    "ending sessions" {
        "users/terminate_sessions": POST,
        "groups/terminate_sessions": POST,
    }
    "avatars" {
        "users/{user_id}/avatar": GET POST DELETE,
    }
    "transfer of folders" {
        "users/{user_id}/folders/0": PUT,
    }
    "email aliases" {
        "users/{user_id}/email_aliases": GET POST,
        "users/{user_id}/email_aliases/{email_alias_id}": DELETE,
    }
    "group memberships" {
        "users/{user_id}/memberships": GET,
        "groups/{group_id}/memberships": GET,
        "group_memberships": POST,
        "group_memberships/{group_membership_id}": GET PUT DELETE,
    }
    "invites" {
        "invites": POST,
        "invites/{invite_id}": GET,
    }
    "groups" {
        "groups": GET POST,
        "groups/{group_id}": GET PUT DELETE,
    }
    "webhooks" {
        "webhooks": GET POST,
        "webhooks/{webhook_id}": GET PUT DELETE,
    }
    "the event stream" {
        "events": OPTIONS GET,
    }
    "collections" {
        "collections": GET,
        "collections/{collection_id}/items": GET,
        "collections/{collection_id}": GET,
    }
    "recent items" {
        "recent_items": GET,
    }
    "retention" {
        "retention_policies": GET POST,
        "retention_policies/{retention_policy_id}": GET PUT DELETE,
        "retention_policies/{retention_policy_id}/assignments": GET,
        "retention_policy_assignments": POST,
        "retention_policy_assignments/{retention_policy_assignment_id}": GET DELETE,
        "retention_policy_assignments/{retention_policy_assignment_id}/files_under_retention": GET,
        "retention_policy_assignments/{retention_policy_assignment_id}/file_versions_under_retention": GET,
        "file_version_retentions": GET,
        "file_version_retentions/{file_version_retention_id}": GET,
    }
    "legal holds" {
        "legal_hold_policies": GET POST,
        "legal_hold_policies/{legal_hold_policy_id}": GET PUT DELETE,
        "legal_hold_policy_assignments": GET POST,
        "legal_hold_policy_assignments/{legal_hold_policy_assignment_id}": GET DELETE,
        "legal_hold_policy_assignments/{legal_hold_policy_assignment_id}/files_on_hold": GET,
        "legal_hold_policy_assignments/{legal_hold_policy_assignment_id}/file_versions_on_hold": GET,
        "file_version_legal_holds/{file_version_legal_hold_id}": GET,
        "file_version_legal_holds": GET,
    }
    "information barriers" {
        "shield_information_barriers/{shield_information_barrier_id}": GET,
        "shield_information_barriers/change_status": POST,
        "shield_information_barriers": GET POST,
        "shield_information_barrier_reports": GET POST,
        "shield_information_barrier_reports/{shield_information_barrier_report_id}": GET,
        "shield_information_barrier_segments/{shield_information_barrier_segment_id}": GET DELETE PUT,
        "shield_information_barrier_segments": GET POST,
        "shield_information_barrier_segment_members/{shield_information_barrier_segment_member_id}": GET DELETE,
        "shield_information_barrier_segment_members": GET POST,
        "shield_information_barrier_segment_restrictions/{shield_information_barrier_segment_restriction_id}": GET DELETE,
        "shield_information_barrier_segment_restrictions": GET POST,
    }
    "device pins" {
        "device_pinners/{device_pinner_id}": GET DELETE,
        "enterprises/{enterprise_id}/device_pinners": GET,
    }
    "terms of service" {
        "terms_of_services": GET POST,
        "terms_of_services/{terms_of_service_id}": GET PUT,
        "terms_of_service_user_statuses": GET POST,
        "terms_of_service_user_statuses/{terms_of_service_user_status_id}": PUT,
    }
    "allowed collaboration domains" {
        "collaboration_whitelist_entries": GET POST,
        "collaboration_whitelist_entries/{collaboration_whitelist_entry_id}": GET DELETE,
        "collaboration_whitelist_exempt_targets": GET POST,
        "collaboration_whitelist_exempt_targets/{collaboration_whitelist_exempt_target_id}": GET DELETE,
    }
    "storage policies" {
        "storage_policies": GET,
        "storage_policies/{storage_policy_id}": GET,
        "storage_policy_assignments": GET POST,
        "storage_policy_assignments/{storage_policy_assignment_id}": GET PUT DELETE,
    }
    "zip downloads" {
        "zip_downloads": POST,
        "zip_downloads/{zip_download_id}/content": GET,
        "zip_downloads/{zip_download_id}/status": GET,
    }
    "Box Sign" {
        "sign_requests/{sign_request_id}/cancel": POST,
        "sign_requests/{sign_request_id}/resend": POST,
        "sign_requests/{sign_request_id}": GET,
        "sign_requests": GET POST,
        "sign_templates": GET,
        "sign_templates/{template_id}": GET,
    }
    "workflows" {
        "workflows": GET,
        "workflows/{workflow_id}/start": POST,
    }
    "integration mappings" {
        "integration_mappings/slack": GET POST,
        "integration_mappings/slack/{integration_mapping_id}": PUT DELETE,
        "integration_mappings/teams": GET POST,
        "integration_mappings/teams/{integration_mapping_id}": PUT DELETE,
    }
    "Box AI" {
        "ai/ask": POST,
        "ai/text_gen": POST,
        "ai_agent_default": GET,
        "ai/extract": POST,
        "ai/extract_structured": POST,
    }
    "Box AI agents" {
        "ai_agents": GET POST,
        "ai_agents/{agent_id}": PUT GET DELETE,
    }
    "metadata taxonomies" {
        "metadata_taxonomies": POST,
        "metadata_taxonomies/{namespace}": GET,
        "metadata_taxonomies/{namespace}/{taxonomy_key}": GET PATCH DELETE,
        "metadata_taxonomies/{namespace}/{taxonomy_key}/levels": POST,
        "metadata_taxonomies/{namespace}/{taxonomy_key}/levels/{level_index}": PATCH,
        "metadata_taxonomies/{namespace}/{taxonomy_key}/levels:append": POST,
        "metadata_taxonomies/{namespace}/{taxonomy_key}/levels:trim": POST,
        "metadata_taxonomies/{namespace}/{taxonomy_key}/nodes": GET POST,
        "metadata_taxonomies/{namespace}/{taxonomy_key}/nodes/{node_id}": GET PATCH DELETE,
        "metadata_templates/{namespace}/{template_key}/fields/{field_key}/options": GET,
    }
    "Doc Gen" {
        "docgen_templates": POST GET,
        "docgen_templates/{template_id}": DELETE GET,
        "docgen_templates/{template_id}/tags": GET,
        "docgen_jobs/{job_id}": GET,
        "docgen_jobs": GET,
        "docgen_template_jobs/{template_id}": GET,
        "docgen_batch_jobs/{batch_id}": GET,
        "docgen_batches": POST,
    }
    "enterprise configurations" {
        "enterprise_configurations/{enterprise_id}": GET,
    }
    "Box Hubs" {
        "hubs": GET POST,
        "enterprise_hubs": GET,
        "hubs/{hub_id}": GET PUT DELETE,
        "hubs/{hub_id}/copy": POST,
        "hub_collaborations": GET POST,
        "hub_collaborations/{hub_collaboration_id}": GET PUT DELETE,
        "hub_items": GET,
        "hubs/{hub_id}/manage_items": POST,
        "hub_document_pages": GET,
        "hub_document_blocks": GET,
    }
    "Shield lists" {
        "shield_lists": GET POST,
        "shield_lists/{shield_list_id}": GET DELETE PUT,
    }
    "archives" {
        "archives": GET POST,
        "archives/{archive_id}": DELETE PUT,
    }
    "external users" {
        "external_users/submit_delete_job": POST,
    }
    "Automate workflows" {
        "automate_workflows": GET,
        "automate_workflows/{workflow_id}/start": POST,
    }
    "Box Notes" {
        "notes/convert": POST,
    }
    "the authorisation page" {
        "oauth2/authorize": GET,
    }
};
