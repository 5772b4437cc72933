"""Field numbers of the messages that kubectl sends as protobuf. Data, made by hand from the published .proto files.

One line a field: number, name, type. `[]T` repeats, `{}T` is a map from strings, `*T` keeps a zero that was set.
Fields that kubectl's typed commands never fill are left out; the decoder refuses them when they carry a value.
"""

_META = "1 metadata ObjectMeta"

MESSAGES: dict[str, str] = {
    "ObjectMeta": """1 name string;2 generateName string;3 namespace string;5 uid string;6 resourceVersion string
        11 labels {}string;12 annotations {}string;13 ownerReferences []OwnerReference;14 finalizers []string""",
    "OwnerReference": """1 kind string;3 name string;4 uid string;5 apiVersion string
        6 controller *bool;7 blockOwnerDeletion *bool""",
    "LabelSelector": "1 matchLabels {}string;2 matchExpressions []LabelSelectorRequirement",
    "LabelSelectorRequirement": "1 key string;2 operator string;3 values []string",
    "DeleteOptions": """1 gracePeriodSeconds *int;2 preconditions *Preconditions;3 orphanDependents *bool
        4 propagationPolicy *string;5 dryRun []string""",
    "Preconditions": "1 uid *string;2 resourceVersion *string",
    "Namespace": f"{_META};2 spec NamespaceSpec",
    "NamespaceSpec": "1 finalizers []string",
    "ConfigMap": f"{_META};2 data {{}}string;3 binaryData {{}}bytes;4 immutable *bool",
    "Secret": f"{_META};2 data {{}}bytes;3 type string;4 stringData {{}}string;5 immutable *bool",
    "ServiceAccount": f"{_META};2 secrets []ObjectReference;3 imagePullSecrets []LocalObjectReference",
    "LocalObjectReference": "1 name string",
    "ObjectReference": """1 kind string;2 namespace string;3 name string;4 uid string;5 apiVersion string
        6 resourceVersion string;7 fieldPath string""",
    "Service": f"{_META};2 spec ServiceSpec",
    "ServiceSpec": """1 ports []ServicePort;2 selector {}string;3 clusterIP string;4 type string;5 externalIPs []string
        7 sessionAffinity string;8 loadBalancerIP string;10 externalName string;11 externalTrafficPolicy string
        13 publishNotReadyAddresses bool;18 clusterIPs []string""",
    "ServicePort": """1 name string;2 protocol string;3 port int;4 targetPort IntOrString;5 nodePort int
        6 appProtocol *string""",
    "Binding": f"{_META};2 target ObjectReference",
    "Eviction": f"{_META};2 deleteOptions *DeleteOptions",
    "PodTemplateSpec": f"{_META};2 spec PodSpec",
    "PodSpec": """2 containers []Container;3 restartPolicy string;4 terminationGracePeriodSeconds *int
        5 activeDeadlineSeconds *int;6 dnsPolicy string;7 nodeSelector {}string;8 serviceAccountName string
        9 serviceAccount string;10 nodeName string;14 securityContext *Empty;15 imagePullSecrets []LocalObjectReference
        16 hostname string;19 schedulerName string;20 initContainers []Container;30 enableServiceLinks *bool""",
    "Empty": "",
    "Container": """1 name string;2 image string;3 command []string;4 args []string;5 workingDir string
        6 ports []ContainerPort;7 env []EnvVar;8 resources ResourceRequirements;13 terminationMessagePath string
        14 imagePullPolicy string;16 stdin bool;17 stdinOnce bool;18 tty bool;20 terminationMessagePolicy string""",
    "ContainerPort": "1 name string;2 hostPort int;3 containerPort int;4 protocol string;5 hostIP string",
    "EnvVar": "1 name string;2 value string",
    "ResourceRequirements": "1 limits {}Quantity;2 requests {}Quantity",
    "Deployment": f"{_META};2 spec DeploymentSpec",
    "DeploymentSpec": """1 replicas *int;2 selector *LabelSelector;3 template PodTemplateSpec;
        4 strategy DeploymentStrategy;5 minReadySeconds int
        6 revisionHistoryLimit *int;7 paused bool;9 progressDeadlineSeconds *int""",
    "DeploymentStrategy": "1 type string;2 rollingUpdate *RollingUpdateDeployment",
    "RollingUpdateDeployment": "1 maxUnavailable *IntOrString;2 maxSurge *IntOrString",
    "Job": f"{_META};2 spec JobSpec",
    "JobSpec": """1 parallelism *int;2 completions *int;3 activeDeadlineSeconds *int;4 selector *LabelSelector
        5 manualSelector *bool;6 template PodTemplateSpec;7 backoffLimit *int;8 ttlSecondsAfterFinished *int
        9 completionMode *string;10 suspend *bool""",
    "CronJob": f"{_META};2 spec CronJobSpec",
    "CronJobSpec": """1 schedule string;2 startingDeadlineSeconds *int;3 concurrencyPolicy string;4 suspend *bool
        5 jobTemplate JobTemplateSpec;6 successfulJobsHistoryLimit *int;7 failedJobsHistoryLimit *int
        8 timeZone *string""",
    "JobTemplateSpec": f"{_META};2 spec JobSpec",
    "PodDisruptionBudget": f"{_META};2 spec PodDisruptionBudgetSpec",
    "PodDisruptionBudgetSpec": """1 minAvailable *IntOrString;2 selector *LabelSelector;3 maxUnavailable *IntOrString
        4 unhealthyPodEvictionPolicy *string""",
    "Role": f"{_META};2 rules []PolicyRule",
    "ClusterRole": f"{_META};2 rules []PolicyRule",
    "RoleBinding": f"{_META};2 subjects []Subject;3 roleRef RoleRef",
    "ClusterRoleBinding": f"{_META};2 subjects []Subject;3 roleRef RoleRef",
    "PolicyRule": """1 verbs []string;2 apiGroups []string;3 resources []string;4 resourceNames []string
        5 nonResourceURLs []string""",
    "RoleRef": "1 apiGroup string;2 kind string;3 name string",
    "Subject": "1 kind string;2 apiGroup string;3 name string;4 namespace string",
    "SelfSubjectAccessReview": f"{_META};2 spec SelfSubjectAccessReviewSpec",
    "SelfSubjectAccessReviewSpec": """1 resourceAttributes *ResourceAttributes
        2 nonResourceAttributes *NonResourceAttributes""",
    "ResourceAttributes": """1 namespace string;2 verb string;3 group string;4 version string;5 resource string
        6 subresource string;7 name string""",
    "NonResourceAttributes": "1 path string;2 verb string",
    "SelfSubjectRulesReview": f"{_META};2 spec SelfSubjectRulesReviewSpec",
    "SelfSubjectRulesReviewSpec": "1 namespace string",
}
