//! The tables, as the migrations of both databases make them.

diesel::table! {
    tenants (id) {
        id -> Text,
        slug -> Text,
        name -> Text,
        domain -> Nullable<Text>,
        status -> Text,
        sign_up -> Text,
        created_at -> BigInt,
        email_verification -> Text,
        email_code -> Text,
        deletion_grace_days -> Integer,
        accent -> Nullable<Text>,
        reply_to -> Nullable<Text>,
        deletes_at -> Nullable<BigInt>,
        logo -> Nullable<Text>,
        name_key -> Text,
        password_min_length -> Integer,
        access_token_seconds -> Integer,
        refresh_idle_seconds -> Integer,
        refresh_absolute_seconds -> Integer,
    }
}

diesel::table! {
    logos (tenant_id) {
        tenant_id -> Text,
        png -> Binary,
    }
}

diesel::table! {
    domain_claims (tenant_id) {
        tenant_id -> Text,
        domain -> Text,
        challenge -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    signing_keys (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        algorithm -> Text,
        public_jwk -> Text,
        sealed_private_key -> Text,
        created_at -> BigInt,
        activates_at -> BigInt,
        retires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    applications (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        kind -> Text,
        status -> Text,
        direct_login -> Bool,
        is_default -> Bool,
        audience -> Nullable<Text>,
        access_token_algorithm -> Text,
        id_token_algorithm -> Text,
        access_token_seconds -> Integer,
        refresh_idle_seconds -> Integer,
        refresh_absolute_seconds -> Integer,
        reuse_window_seconds -> Nullable<Integer>,
        created_at -> BigInt,
        party -> Text,
        upstream_tokens -> Bool,
        name_key -> Text,
    }
}

diesel::table! {
    application_uris (tenant_id, application_id, purpose, uri) {
        tenant_id -> Text,
        application_id -> Text,
        purpose -> Text,
        uri -> Text,
        position -> Integer,
    }
}

diesel::table! {
    client_secrets (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        application_id -> Text,
        digest -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    users (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        email -> Text,
        email_key -> Text,
        email_verified -> Bool,
        name -> Nullable<Text>,
        picture -> Nullable<Text>,
        status -> Text,
        password_hash -> Nullable<Text>,
        created_at -> BigInt,
        deletes_at -> Nullable<BigInt>,
        name_key -> Nullable<Text>,
    }
}

diesel::table! {
    user_name_words (tenant_id, user_id, word) {
        tenant_id -> Text,
        user_id -> Text,
        word -> Text,
    }
}

diesel::table! {
    roles (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        key -> Text,
        description -> Text,
        rank -> Integer,
    }
}

diesel::table! {
    user_roles (tenant_id, user_id, role_id) {
        tenant_id -> Text,
        user_id -> Text,
        role_id -> Text,
    }
}

diesel::table! {
    operators (tenant_id, user_id) {
        tenant_id -> Text,
        user_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        user_id -> Text,
        kind -> Text,
        authenticated_at -> BigInt,
        methods -> Text,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    browser_states (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        state -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    authorization_requests (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        browser -> Text,
        query -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    refresh_families (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        application_id -> Text,
        user_id -> Text,
        session_id -> Text,
        scope -> Text,
        audience -> Nullable<Text>,
        authenticated_at -> BigInt,
        generation -> Integer,
        rotated_at -> BigInt,
        client_authenticated -> Bool,
        idle_expires_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        revoke_reason -> Nullable<Text>,
    }
}

diesel::table! {
    authorization_codes (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        application_id -> Text,
        user_id -> Text,
        session_id -> Text,
        redirect_uri -> Text,
        scope -> Text,
        audience -> Nullable<Text>,
        nonce -> Nullable<Text>,
        code_challenge -> Nullable<Text>,
        authenticated_at -> BigInt,
        expires_at -> BigInt,
        family_id -> Nullable<Text>,
    }
}

diesel::table! {
    revoked_access_tokens (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    providers (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        key -> Text,
        kind -> Text,
        issuer -> Nullable<Text>,
        name -> Text,
        client_id -> Text,
        sealed_secret -> Text,
        scope -> Text,
        allowed_domains -> Text,
        sign_up -> Text,
        unverified_email -> Text,
        profile -> Text,
        created_at -> BigInt,
        tokens -> Text,
    }
}

diesel::table! {
    identities (tenant_id, provider_id, subject) {
        tenant_id -> Text,
        provider_id -> Text,
        subject -> Text,
        user_id -> Text,
        email -> Nullable<Text>,
        name -> Nullable<Text>,
        picture -> Nullable<Text>,
        linked_at -> BigInt,
        last_used_at -> BigInt,
    }
}

diesel::table! {
    link_offers (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        browser -> Text,
        provider_id -> Text,
        subject -> Text,
        user_id -> Text,
        email -> Nullable<Text>,
        name -> Nullable<Text>,
        picture -> Nullable<Text>,
        request_id -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        sealed_access_token -> Nullable<Text>,
        sealed_refresh_token -> Nullable<Text>,
    }
}

diesel::table! {
    upstream_tokens (tenant_id, provider_id, subject) {
        tenant_id -> Text,
        provider_id -> Text,
        subject -> Text,
        sealed_access_token -> Text,
        sealed_refresh_token -> Nullable<Text>,
        lease_ends_at -> BigInt,
    }
}

diesel::table! {
    upstream_sign_ins (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        browser -> Text,
        provider_id -> Text,
        nonce -> Text,
        sealed_code_verifier -> Text,
        purpose -> Text,
        subject_id -> Nullable<Text>,
        expires_at -> BigInt,
        signed_in_since -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_events (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        at -> BigInt,
        action -> Text,
        actor -> Text,
        target -> Text,
        address -> Nullable<Text>,
        details -> Nullable<Text>,
    }
}

diesel::table! {
    members (tenant_id, user_id) {
        tenant_id -> Text,
        user_id -> Text,
        role -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    activity (tenant_id, kind, day) {
        tenant_id -> Text,
        kind -> Text,
        day -> Integer,
        count -> BigInt,
    }
}

diesel::table! {
    consents (tenant_id, user_id, application_id) {
        tenant_id -> Text,
        user_id -> Text,
        application_id -> Text,
        scope -> Text,
        granted_at -> BigInt,
    }
}

diesel::table! {
    one_time_tokens (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        user_id -> Text,
        purpose -> Text,
        email -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    email_codes (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        browser -> Text,
        email -> Text,
        code_mac -> Nullable<Text>,
        tries -> Integer,
        expires_at -> BigInt,
    }
}

diesel::table! {
    allowances (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        whole_at -> BigInt,
        told_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    deployment_allowances (id) {
        id -> Text,
        whole_at -> BigInt,
    }
}

diesel::table! {
    mail_orders (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        letter -> Text,
        email -> Text,
        subject_id -> Nullable<Text>,
        status -> Text,
        tries -> Integer,
        due_at -> BigInt,
        created_at -> BigInt,
        last_error -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(identities, upstream_tokens);
diesel::allow_tables_to_appear_in_same_query!(roles, user_roles);
diesel::allow_tables_to_appear_in_same_query!(members, tenants);
diesel::allow_tables_to_appear_in_same_query!(signing_keys, tenants);
diesel::allow_tables_to_appear_in_same_query!(user_roles, users);
diesel::allow_tables_to_appear_in_same_query!(user_name_words, users);
diesel::allow_tables_to_appear_in_same_query!(refresh_families, users, sessions);
